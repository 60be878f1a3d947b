#if Sanlock
import Foundation
import LockCore
import Testing

@testable import LockSanlock

/// Writing this host's own lease anew, when something wrote over it.
@Suite struct HostLeaseRepairTests {
    private let folder: String
    private let lockspace = Lockspace(
        volumeGroup: "vg0", kind: .sanlock, arguments: "1.0.0:lvmlock", hostID: 7)

    init() throws {
        self.folder = "/tmp/holdfast-repair.\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: self.folder, withIntermediateDirectories: true)
    }

    /// A manager whose lease is damaged until it is written in generation 4.
    private func manager(
        _ version: UInt32 = 0x0401_0000, _ change: (inout SanlockCalls) -> Void = { _ in }
    ) -> SanlockLockManager {
        let repaired = Script(0)
        var calls = SanlockCalls.scripted()
        calls.version = { version }
        calls.readLockspace = { record throws(SanlockStatus) in
            guard repaired.count > 0 else { throw .noLease }
            return (record, 1)
        }
        calls.writeHostLease = { record, generation, flags, _ throws(SanlockStatus) in
            #expect(record.hostID == 7)
            #expect(record.name == "lvm_vg0")
            #expect(record.flags == [.align1MiB, .sector512, .noTimeout])
            #expect(generation == 4)
            #expect(flags == .notComparingAndWriting)
            try repaired.run()
        }
        change(&calls)
        var configuration = SanlockLockManager.Configuration(killHelperPath: "/bin/true")
        configuration.stateFolder = self.folder
        configuration.leaseDevice = { _, _ in "/dev/null" }
        return SanlockLockManager(configuration, calls: calls)
    }

    private func remember(hostID: UInt64) {
        let info = InfoFile(
            hostID: hostID, generation: 4,
            layout: LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512), noTimeout: true)
        #expect(info.write(folder: self.folder, volumeGroup: "vg0") == 0)
    }

    private let repairing = JoinOptions(repairing: true)

    @Test func `a damaged lease of this host is written anew if that is asked for`()
        async throws
    {
        defer { try? FileManager.default.removeItem(atPath: self.folder) }
        self.remember(hostID: 7)
        let manager = self.manager()
        await expect(code: .leaseCorrupt) {
            _ = try await manager.prepare(self.lockspace, JoinOptions())
        }
        _ = try await manager.prepare(self.lockspace, self.repairing)
    }

    @Test func `what nobody remembers is not written`() async throws {
        defer { try? FileManager.default.removeItem(atPath: self.folder) }
        for hostID in [nil, UInt64(8)] {
            if let hostID { self.remember(hostID: hostID) }
            await expect(code: .leaseCorrupt) {
                _ = try await self.manager().prepare(self.lockspace, self.repairing)
            }
        }
    }

    @Test func `an older library or daemon says that it is too old`() async throws {
        defer { try? FileManager.default.removeItem(atPath: self.folder) }
        self.remember(hostID: 7)
        await expect(code: .notSupported) {
            _ = try await self.manager(0x0308_0500).prepare(self.lockspace, self.repairing)
        }
        let manager = self.manager { $0.writeHostLease = nil }
        await expect(code: .notSupported) {
            _ = try await manager.prepare(self.lockspace, self.repairing)
        }
    }
}
#endif
