#if Sanlock
import Foundation
import LockCore

@testable import LockSanlock

/// Storage for leases: a plain file, or a loop device on one. It goes with the object.
final class TestDisk: CustomStringConvertible, Sendable {
    /// What to give to sanlock.
    let path: String
    /// The file behind it.
    let file: String
    private let folder: String
    let kind: Kind

    /// What carries the leases.
    enum Kind: String, CaseIterable, Sendable {
        case file, loop512, loop4096

        var sectorBytes: UInt64 { self == .loop4096 ? 4096 : 512 }
    }

    /// Makes storage of that size.
    init(_ kind: Kind, mebibytes: Int) throws {
        self.kind = kind
        self.folder = try Scratch.folder("disk")
        self.file = "\(self.folder)/disk"
        try Shell.run("truncate -s \(mebibytes)M \(self.file)")
        switch kind {
        case .file: self.path = self.file
        case .loop512, .loop4096:
            let output = try Shell.run(
                "losetup --find --show --sector-size \(kind.sectorBytes) \(self.file)")
            self.path = output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    deinit {
        if self.kind != .file { _ = try? Shell.run("losetup --detach \(self.path)") }
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    var description: String { self.kind.rawValue }

    /// Makes the storage larger.
    func grow(toMebibytes size: Int) throws {
        try Shell.run("truncate -s \(size)M \(self.file)")
        if self.kind != .file { try Shell.run("losetup --set-capacity \(self.path)") }
    }

    /// Fills a stretch with a byte.
    func overwrite(at offset: UInt64, bytes: Int, with byte: UInt8) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: self.path))
        defer { try? handle.close() }
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data(repeating: byte, count: bytes))
        try handle.synchronize()
    }

    /// What is on the storage, by stretches of 1 MiB that are not all zeros.
    func contents() throws -> [UInt64: Data] { try DiskContents.read(self.path) }

    /// A manager whose leases lie here, whatever the volume group.
    func manager(
        _ calls: SanlockCalls, ioTimeoutSeconds: UInt32 = 1, stateFolder: String? = nil
    ) -> SanlockLockManager {
        var configuration = SanlockLockManager.Configuration(killHelperPath: "/bin/true")
        configuration.ioTimeoutSeconds = ioTimeoutSeconds
        configuration.stateFolder = stateFolder ?? self.folder
        configuration.leaseDevice = { [path] _, _ in path }
        return SanlockLockManager(configuration, calls: calls)
    }
}

/// Storage as it is behind every cache.
enum DiskContents {
    /// The stretches of 1 MiB that are not all zeros, by their places.
    static func read(_ path: String) throws -> [UInt64: Data] {
        try Shell.run("sync \(path); test -f \(path) || blockdev --flushbufs \(path)")
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        var contents: [UInt64: Data] = [:]
        var offset: UInt64 = 0
        let zeros = Data(count: 1 << 20)
        while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
            if data != zeros.prefix(data.count) { contents[offset] = data }
            offset += UInt64(data.count)
        }
        return contents
    }
}

extension SanlockLockManager {
    /// Lets this host take itself for a member of the lockspace, for what needs no membership
    /// in the daemon.
    func actAsMember(of volume: LeaseVolume) async throws {
        let plan = LockspacePlan(
            id: Lockspace.ID(kind: .sanlock, name: volume.lockspace), hostID: 1,
            place: LeasePlace(path: volume.path, offset: 0), layout: volume.layout,
            housekeeping: BlockingExecutor(label: "test"))
        let membership = Membership(id: Membership.ID(self.context.memberships.next()))
        let address = try await self.killSocket.listen()
        self.lockspaces.add(
            SanlockLockspace(plan, membership, self.context, killSocket: address))
    }
}
#endif
