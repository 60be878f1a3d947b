#if Sanlock
import LockCore

/// What a new lockspace's leases are to be.
struct LeaseFormat: Hashable, Sendable {
    /// The volume group carries the global lock.
    var carriesGlobalLock: Bool
    /// What it says of its hosts; an io timeout of 0 is the daemon's own setting.
    var traits: LockspaceTraits
    /// Let storage compare and write in one step, or forbid it; nil leaves it to the daemon.
    var comparesAndWrites: Bool?
}

/// What a lockspace on storage says of its hosts.
struct LockspaceTraits: Hashable, Sendable {
    /// Hosts keep their locks until they are declared dead.
    var noTimeout: Bool
    /// Seconds that hosts wait for one read or write.
    var ioTimeoutSeconds: UInt32

    /// What a new lockspace with these traits is written with, beside the sizes.
    var flags: LeaseFlags { self.noTimeout ? [.noTimeout] : [] }
}

// Leases are made, renamed and given up all together.
extension LeaseVolume {
    /// Formats everything: the lockspace, the global lock, the volume group's lock, and an
    /// unused lease in each further place of a device of that size.
    func format(
        _ format: LeaseFormat, deviceBytes: UInt64, doing: String
    ) throws(LockManagerError) {
        guard self.layout.end(in: deviceBytes) >= self.layout.firstVolume else {
            throw LockManagerError(
                .leaseBeyondStorage, layer: .storage, doing: doing,
                advice: "\(self.path) has \(deviceBytes >> 20) MiB; leases of this size need "
                    + "\(self.layout.firstVolume >> 20) MiB and one more for each volume")
        }
        var flags: WriteFlags = []
        if let wanted = format.comparesAndWrites { flags = .comparingAndWriting(wanted) }
        try Self.perform("\(doing) at \(self.path)") { () throws(SanlockStatus) in
            try self.writeLockspace(
                self.lockspace, format.traits.flags, flags, format.traits.ioTimeoutSeconds)
            let global = GlobalLockName.name(enabled: format.carriesGlobalLock)
            try self.calls.writeResource(
                self.record(global, at: self.layout.globalLock), flags)
            try self.calls.writeResource(
                self.record(LeaseName.volumeGroupLock, at: self.layout.volumeGroupLock), flags)
            var offset = self.layout.firstVolume
            while offset < self.layout.end(in: deviceBytes) {
                do throws(SanlockStatus) {
                    try self.write(LeaseName.unused, at: offset)
                } catch  where error.isBeyondDevice {
                    break
                }
                offset += self.layout.alignBytes
            }
        }
    }

    /// Gives the lockspace and all its leases another lockspace's name. Nobody may hold any.
    ///
    /// Places that were never formatted stay so, and damaged leases stay damaged; both are
    /// found again by whoever uses them.
    func rename(
        to name: String, _ kept: LockspaceTraits, doing: String
    ) throws(LockManagerError) {
        var renamed = self
        renamed.lockspace = name
        try Self.perform("\(doing) at \(self.path)") { () throws(SanlockStatus) in
            try renamed.writeLockspace(
                name, kept.flags, .comparingAndWriting(self.layout.comparesAndWrites),
                kept.ioTimeoutSeconds)
            for offset in [self.layout.globalLock, self.layout.volumeGroupLock] {
                guard case .lease(let lock) = try self.content(at: offset) else {
                    throw SanlockStatus.noLease
                }
                try renamed.write(lock, at: offset)
            }
            var offset = self.layout.firstVolume
            while try renamed.takeOverLease(at: offset) { offset += self.layout.alignBytes }
        }
    }

    /// Gives one lease this lockspace's name; false past the end of the device.
    private func takeOverLease(at offset: UInt64) throws(SanlockStatus) -> Bool {
        do throws(SanlockStatus) {
            switch try self.content(at: offset) {
            case .lease(let lock): try self.write(lock, at: offset)
            case .unformatted: break
            case .beyondDevice: return false
            }
        } catch  where error.isCorruption {
            return true
        }
        return true
    }

    /// Changes what the lockspace says of its hosts, and nothing else (sanlock 4.2).
    func setTraits(_ traits: LockspaceTraits, doing: String) throws(LockManagerError) {
        try Self.perform(doing) { () throws(SanlockStatus) in
            try self.writeLockspace(
                self.lockspace, traits.flags, .lockspaceFlagsOnly, traits.ioTimeoutSeconds)
        }
    }

    private func writeLockspace(
        _ name: String, _ flags: LeaseFlags, _ how: WriteFlags, _ ioTimeoutSeconds: UInt32
    ) throws(SanlockStatus) {
        let record = LockspaceRecord(
            name: name, flags: self.layout.flags.union(flags),
            place: LeasePlace(path: self.path, offset: 0))
        try self.calls.writeLockspace(record, how, ioTimeoutSeconds)
    }
}
#endif
