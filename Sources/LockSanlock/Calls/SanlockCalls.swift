#if Sanlock
/// The libsanlock functions that this target calls, on values. Every call blocks, and throws
/// the status as the library returned it. Tests pass their own.
///
/// The calls that take a ``RegisteredSocket`` must not overlap on one socket. All others open
/// a socket of their own, and may.
package struct SanlockCalls: Sendable {
    /// Is the daemon there? Its version: `0xMMmmpp00`.
    var version: @Sendable () throws(SanlockStatus) -> UInt32

    // Registered sockets.
    /// Opens a socket that can hold leases for this process.
    var register: @Sendable () throws(SanlockStatus) -> RegisteredSocket
    /// Which signals the daemon may not send this process (`SANLK_RESTRICT_`).
    var restrict: @Sendable (RegisteredSocket, _ flags: UInt32) throws(SanlockStatus) -> Void
    /// The program that the daemon runs first when it has to kill; 127 bytes each.
    var setKillPath:
        @Sendable (RegisteredSocket, _ path: String, _ arguments: String)
            throws(SanlockStatus) -> Void
    /// Persistent leases of the socket become orphans.
    var close: @Sendable (RegisteredSocket) -> Void

    // Holds.
    /// In the mode that the record's flags say.
    package var acquire:
        @Sendable (RegisteredSocket, ResourceRecord, AcquireFlags, _ ownerName: String)
            throws(SanlockStatus) -> Void
    /// To the mode that the record's flags say. A failure keeps a shared lease.
    package var convert:
        @Sendable (RegisteredSocket, ResourceRecord, AcquireFlags)
            throws(SanlockStatus) -> Void
    /// Ends the socket's grip in any case. The daemon goes on with a write that timed out.
    package var release: @Sendable (RegisteredSocket, ResourceRecord) throws(SanlockStatus) -> Void
    /// Frees the resource and gives its lease another name in one write.
    var releaseRenaming:
        @Sendable (RegisteredSocket, ResourceRecord, _ newName: String)
            throws(SanlockStatus) -> Void
    /// Drops orphans: the one of that name, or with an empty name all of the lockspace.
    var releaseOrphans:
        @Sendable (RegisteredSocket, _ lockspace: String, _ resource: String)
            throws(SanlockStatus) -> Void
    /// What the socket holds, with lease versions.
    var inquire: @Sendable (RegisteredSocket) throws(SanlockStatus) -> [ResourceRecord]
    /// Written to storage with the release, or with the conversion to shared.
    var setValueBlock: @Sendable (ResourceRecord, _ bytes: [UInt8]) throws(SanlockStatus) -> Void
    /// As it was read with the acquisition, or set since.
    var valueBlock: @Sendable (ResourceRecord, _ byteCount: Int) throws(SanlockStatus) -> [UInt8]

    // Lockspaces and hosts.
    /// Joins, for ever, with the record's host number. EEXIST if joined, EAGAIN if leaving.
    var addLockspace:
        @Sendable (LockspaceRecord, AddFlags, _ ioTimeoutSeconds: UInt32)
            throws(SanlockStatus) -> Void
    /// Throws unless this host is a member; `waiting` until an addition under way has ended.
    var inquireLockspace: @Sendable (LockspaceRecord, _ waiting: Bool) throws(SanlockStatus) -> Void
    /// Leaves. The daemon kills who still holds anything.
    var removeLockspace: @Sendable (LockspaceRecord, RemoveFlags) throws(SanlockStatus) -> Void
    /// All that this host is a member of.
    var lockspaces: @Sendable () throws(SanlockStatus) -> [LockspaceRecord]
    /// One host, or with id 0 all that have been seen alive.
    var hosts: @Sendable (_ lockspace: String, _ id: UInt64) throws(SanlockStatus) -> [HostRecord]
    /// A socket that closes when the lockspace ends, or the daemon. Messages from other hosts
    /// come in between.
    var watchLockspace: @Sendable (_ lockspace: String) throws(SanlockStatus) -> RegisteredSocket
    /// Changes what the lockspace counts as use of it (`SANLK_CONFIG_`).
    var configure: @Sendable (_ lockspace: String, LockspaceSetting) throws(SanlockStatus) -> Void

    // Leases on storage.
    /// Bytes from one lease to the next that the daemon chooses for this place by itself.
    var align: @Sendable (LeasePlace) throws(SanlockStatus) -> UInt64
    /// Formats the leases of all hosts.
    var writeLockspace:
        @Sendable (LockspaceRecord, WriteFlags, _ ioTimeoutSeconds: UInt32)
            throws(SanlockStatus) -> Void
    /// One host's record, host 1's if the given id is 0, and the io timeout stored there.
    var readLockspace:
        @Sendable (LockspaceRecord) throws(SanlockStatus) -> (LockspaceRecord, UInt32)
    /// Formats a lease.
    var writeResource: @Sendable (ResourceRecord, WriteFlags) throws(SanlockStatus) -> Void
    /// Who the lease is for; throws if it is for another than the record names.
    var readResource: @Sendable (ResourceRecord) throws(SanlockStatus) -> ResourceRecord
    /// The whole lease: with `.shared` in the flags if any owner holds it so.
    var readOwners:
        @Sendable (ResourceRecord) throws(SanlockStatus) -> (ResourceRecord, [HostRecord])

    // What only newer libraries have; nil where this one does not.
    /// Formats the lease of one host, the record's, as that host left it in that generation.
    var writeHostLease: WriteHostLease?
    /// Writes into the lease of another host that it is dead. The record names this host.
    var setHostDead: SetHostDead?

    /// As of sanlock 4.1.
    typealias WriteHostLease =
        @Sendable (
            LockspaceRecord, _ generation: UInt64, HostLeaseFlags, _ ioTimeoutSeconds: UInt32
        ) throws(SanlockStatus) -> Void
    /// As of sanlock 4.2.
    typealias SetHostDead =
        @Sendable (LockspaceRecord, _ host: UInt64, _ generation: UInt64)
        throws(SanlockStatus) -> Void
}

/// How to acquire or convert (`SANLK_ACQUIRE_`, `SANLK_CONVERT_`).
package struct AcquireFlags: OptionSet, Hashable, Sendable {
    /// The bits as the library takes them.
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Keep the value block with the lease.
    static let valueBlock = AcquireFlags(rawValue: 0x1)
    /// Take over the orphan, if there is one.
    static let orphan = AcquireFlags(rawValue: 0x2)
    /// Take over the orphan, or nothing.
    static let orphanOnly = AcquireFlags(rawValue: 0x4)
    /// Do not wait until a failed owner's lease has timed out.
    static let ownerNoWait = AcquireFlags(rawValue: 0x8)
}

/// How to add a lockspace (`SANLK_ADD_`).
struct AddFlags: OptionSet, Hashable, Sendable {
    /// The bits as the library takes them.
    let rawValue: UInt32

    /// Return at once; wait with an inquiry.
    static let asynchronous = AddFlags(rawValue: 0x1)
    /// Trust that the record's last owner was this host. The daemon knows it from 4.0 on.
    static let withoutDelay = AddFlags(rawValue: 0x2)
}

/// How to remove a lockspace (`SANLK_REM_`).
struct RemoveFlags: OptionSet, Hashable, Sendable {
    /// The bits as the library takes them.
    let rawValue: UInt32

    /// Return at once.
    static let asynchronous = RemoveFlags(rawValue: 0x1)
    /// Not if it is in use.
    static let unused = RemoveFlags(rawValue: 0x2)
}

/// How to write a lease (`SANLK_WRITE_`).
struct WriteFlags: OptionSet, Hashable, Sendable {
    /// The bits as the library takes them.
    let rawValue: UInt32

    /// Make it unreadable.
    static let clear = WriteFlags(rawValue: 0x1)
}

/// How to format the lease of one host (`SANLK_INIT_HOST_`).
struct HostLeaseFlags: OptionSet, Hashable, Sendable {
    /// The bits as the library takes them.
    let rawValue: UInt32

    /// The lockspace lets storage compare and write in one step.
    static let comparingAndWriting = HostLeaseFlags(rawValue: 0x1)
    /// It does not.
    static let notComparingAndWriting = HostLeaseFlags(rawValue: 0x2)
}

/// What a lockspace counts as use of it (`SANLK_CONFIG_`).
enum LockspaceSetting: UInt32, Sendable {
    /// Something outside of sanlock uses it.
    case used = 1
    /// Nothing outside of sanlock uses it.
    case unused = 2
    /// Orphans count as use.
    case usedByOrphans = 4
    /// Orphans do not count.
    case unusedByOrphans = 8
}
#endif
