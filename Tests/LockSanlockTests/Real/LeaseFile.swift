#if Sanlock
import DaemonHarness
import Foundation
import LockCore

@testable import LockSanlock

/// A file with leases as a volume group's `lvmlock` volume has them.
struct LeaseFile {
    let volumeGroup: String
    let path: String
    let layout = LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512)

    /// Formats leases for the global lock, the volume group, and two volumes.
    init(_ volumeGroup: String) throws {
        self.volumeGroup = volumeGroup
        self.path = RealDaemon.shared.folder + "/\(volumeGroup)-lvmlock"
        _ = FileManager.default.createFile(atPath: self.path, contents: nil)
        truncate(self.path, 80 << 20)
        let calls = SanlockCalls.live
        let place = LeasePlace(path: self.path, offset: 0)
        try calls.writeLockspace(
            LockspaceRecord(name: self.name, flags: self.layout.flags, place: place), [], 1)
        try self.write("GLLK", at: self.layout.globalLock)
        try self.write("VGLK", at: self.layout.volumeGroupLock)
        for number in 0..<2 { try self.write("volume\(number)", at: self.offset(number)) }
    }

    /// The lockspace's name.
    var name: String { "lvm_" + self.volumeGroup }

    /// What a host joins with.
    func lockspace(hostID: UInt32? = 1) -> Lockspace {
        Lockspace(
            volumeGroup: self.volumeGroup, kind: .sanlock, arguments: "1.0.0:lvmlock",
            hostID: hostID)
    }

    /// The volume group's own lock.
    var group: Resource {
        Resource(Resource.ID(lockspace: self.lockspace().id, name: .volumeGroup))
    }

    /// The lock of one of the volumes.
    func volume(_ number: Int) -> Resource {
        Resource(
            Resource.ID(
                lockspace: self.lockspace().id, name: .logicalVolume("volume\(number)")),
            arguments: "1.0.0:\(self.offset(number))")
    }

    private func offset(_ number: Int) -> UInt64 {
        self.layout.firstVolume + UInt64(number) * self.layout.alignBytes
    }

    private func write(_ name: String, at offset: UInt64) throws {
        try SanlockCalls.live.writeResource(
            ResourceRecord(
                lockspace: self.name, name: name,
                place: LeasePlace(path: self.path, offset: offset), flags: self.layout.flags),
            [])
    }
}

extension SanlockLockManager.Configuration {
    /// For leases in the tests' folder, with sanlock's shortest times.
    static func tests(
        _ change: (inout SanlockLockManager.Configuration) -> Void = { _ in }
    ) -> SanlockLockManager.Configuration {
        var configuration = Self(killHelperPath: Repository.product("holdfast-sanlock-kill"))
        configuration.stateFolder = RealDaemon.shared.folder
        configuration.ioTimeoutSeconds = 1
        configuration.leaseDevice = { group, volume in
            RealDaemon.shared.folder + "/\(group)-\(volume)"
        }
        change(&configuration)
        return configuration
    }
}
#endif
