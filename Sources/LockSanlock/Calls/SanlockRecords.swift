#if Sanlock
/// Where a lease lies (`sanlk_disk`).
struct LeasePlace: Hashable, Sendable {
    /// The device or file; at most 1023 bytes.
    var path: String
    /// Bytes from its beginning.
    var offset: UInt64
}

/// A lockspace as sanlock describes it (`sanlk_lockspace`).
struct LockspaceRecord: Hashable, Sendable {
    /// At most 48 bytes; empty where a read is to fill it in.
    var name: String
    /// This host's number, or that of the host whose record is read; 0 for none.
    var hostID: UInt64 = 0
    /// Sizes, and what the call at hand documents.
    var flags: LeaseFlags = []
    /// Where the leases of the hosts begin.
    var place: LeasePlace
}

/// A resource's lease as sanlock describes it (`sanlk_resource`), on one disk.
package struct ResourceRecord: Hashable, Sendable {
    /// The lockspace's name; empty where a read is to fill it in.
    var lockspace: String
    /// The resource's name; empty where a read is to fill it in.
    package var name: String
    /// Where the lease lies.
    var place: LeasePlace
    /// Sizes, mode, and persistence.
    var flags: LeaseFlags = []
    /// The lease's version, which grows with every exclusive acquisition; 0 where unknown.
    var version: UInt64 = 0
}

/// A host as sanlock describes it (`sanlk_host`).
struct HostRecord: Hashable, Sendable {
    /// The host's number.
    var id: UInt64
    /// How often the host has joined.
    var generation: UInt64
    /// The host's own clock at its last renewal.
    var timestamp: UInt64
    /// Seconds that the host waits for one read or write.
    var ioTimeoutSeconds: UInt32
    /// The state (`SANLK_HOST_`) and more.
    var flags: UInt32
}

/// A socket to the sanlock daemon on which this process is registered.
package struct RegisteredSocket: Hashable, Sendable {
    /// The file descriptor.
    let descriptor: Int32
}
#endif
