#if Sanlock
import LockCore

/// The leases of one volume group, on the volume that carries them. Every function blocks while
/// the sanlock daemon reads or writes.
struct LeaseVolume: Sendable {
    /// The lockspace's name.
    var lockspace: String
    /// The device.
    var path: String
    /// How the leases lie on it.
    var layout: LeaseLayout
    let calls: SanlockCalls

    /// What a lease's first sector says, as the daemon read it.
    enum Content: Hashable, Sendable {
        /// It is the lease of the lock of that name, in this lockspace or, left over from
        /// an earlier use of the storage, in another.
        case lease(String)
        /// It was never formatted, as after an extension of the volume.
        case unformatted
        /// The lease would lie past the device's end.
        case beyondDevice
    }

    /// The leases of a lockspace that this host has joined.
    init(_ plan: LockspacePlan, _ calls: SanlockCalls) {
        self.init(
            lockspace: plan.id.name, path: plan.place.path, layout: plan.layout, calls: calls)
    }

    /// Describes leases that are there, or about to be.
    init(lockspace: String, path: String, layout: LeaseLayout, calls: SanlockCalls) {
        self.lockspace = lockspace
        self.path = path
        self.layout = layout
        self.calls = calls
    }

    /// Reads from disk how the leases lie.
    ///
    /// `lockspace` is the name that the disk should show; empty, the one that it shows counts.
    static func read(
        _ path: String, lockspace: String, _ calls: SanlockCalls, doing: String
    ) throws(LockManagerError) -> (volume: LeaseVolume, traits: LockspaceTraits) {
        let place = LeasePlace(path: path, offset: 0)
        // Any host's record says it; the first exists under every layout.
        let wanted = LockspaceRecord(name: lockspace, hostID: 1, place: place)
        let (found, ioTimeout) = try Self.perform(doing) { () throws(SanlockStatus) in
            try calls.readLockspace(wanted)
        }
        let layout = try Self.perform(doing) { () throws(SanlockStatus) in
            try LeaseLayout(found.flags, at: place, calls)
        }
        let volume = LeaseVolume(
            lockspace: found.name, path: path, layout: layout, calls: calls)
        let traits = LockspaceTraits(
            noTimeout: found.flags.contains(.noTimeout), ioTimeoutSeconds: ioTimeout)
        return (volume, traits)
    }

    /// The lease of that name at that place.
    func record(_ name: String, at offset: UInt64) -> ResourceRecord {
        ResourceRecord(
            lockspace: self.lockspace, name: name,
            place: LeasePlace(path: self.path, offset: offset), flags: self.layout.flags)
    }

    /// What the lease there is for.
    func content(at offset: UInt64) throws(SanlockStatus) -> Content {
        var record = self.record("", at: offset)
        record.lockspace = ""
        do throws(SanlockStatus) {
            return .lease(try self.calls.readResource(record).name)
        } catch .noLease {
            return .unformatted
        } catch  where error.isBeyondDevice {
            return .beyondDevice
        }
    }

    /// Formats the lease there; whatever it was, nobody holds it afterwards.
    func write(_ name: String, at offset: UInt64) throws(SanlockStatus) {
        // An unused lease is written again before its first use, and only that write needs to
        // find out whether storage can compare and write.
        let isUnused = name == LeaseName.unused
        let flags = WriteFlags.comparingAndWriting(self.layout.comparesAndWrites && !isUnused)
        try self.calls.writeResource(self.record(name, at: offset), flags)
    }

    /// Turns what the library says into the answer to a request.
    static func perform<Value>(
        _ doing: String, _ body: () throws(SanlockStatus) -> Value
    ) throws(LockManagerError) -> Value {
        do { return try body() } catch { throw error.leaseFailure(doing) }
    }
}

extension LeaseFlags {
    /// Storage compares and writes in one step (`SANLK_LSF_USING_CAW`, sanlock 5). Bits of
    /// lockspaces only.
    static let comparesAndWrites = LeaseFlags(rawValue: 0x8)
    /// The lockspace's hosts keep their locks until they are declared dead
    /// (`SANLK_LSF_NO_TIMEOUT`, sanlock 4.2). Bits of lockspaces only.
    static let noTimeout = LeaseFlags(rawValue: 0x4)
}

extension WriteFlags {
    /// Change the flags of a lockspace and nothing else (`SANLK_WRITE_LS_FLAGS`, sanlock 4.2).
    static let lockspaceFlagsOnly = WriteFlags(rawValue: 0x1)
    /// Let storage compare and write in one step (`SANLK_WRITE_USE_CAW`, sanlock 5).
    static let useCompareAndWrite = WriteFlags(rawValue: 0x2)
    /// Do not (`SANLK_WRITE_NO_CAW`); older daemons, which cannot, do not look at it.
    static let noCompareAndWrite = WriteFlags(rawValue: 0x4)

    static func comparingAndWriting(_ wanted: Bool) -> WriteFlags {
        wanted ? .useCompareAndWrite : .noCompareAndWrite
    }
}
#endif
