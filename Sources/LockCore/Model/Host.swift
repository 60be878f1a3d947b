/// A machine that takes part in a lockspace, as the lock manager knows it.
public struct Host: Hashable, Sendable {
    /// The host's number in the lockspace (sanlock: 1 to 2000; DLM: the node id).
    public var id: UInt64
    /// How often the host has joined, where the manager counts it; else 0.
    public var generation: UInt64
    /// The host's last sign of life, in the manager's own seconds; 0 where it has none.
    public var timestamp: UInt64
    /// What the manager believes of the host.
    public var state: State
    /// The host's name, where the manager knows it; else empty.
    public var name: String

    /// What a lock manager believes of a host. The words are sanlock's.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Nothing has been seen of it yet.
        case unknown = "UNKNOWN"
        /// Its number is not in use.
        case free = "FREE"
        /// It renews its lease.
        case live = "LIVE"
        /// It has missed renewals, and may still hold its locks.
        case failing = "FAIL"
        /// It holds nothing any more.
        case dead = "DEAD"
    }

    /// Describes a host; leave out what the manager does not know.
    public init(
        id: UInt64, generation: UInt64 = 0, timestamp: UInt64 = 0, state: State = .unknown,
        name: String = ""
    ) {
        self.id = id
        self.generation = generation
        self.timestamp = timestamp
        self.state = state
        self.name = name
    }
}

/// Whether other hosts take part in a lockspace.
public enum OtherHosts: Hashable, Sendable {
    /// The manager has looked and found none.
    case none
    /// So many hosts besides this one.
    case count(Int)
    /// The manager cannot tell yet; asking again later may help.
    case unknown
}
