/// The answer to an action. Every action gets exactly one.
public struct Reply: Hashable, Sendable {
    /// Nil if the action was carried out.
    public var error: LockErrorCode?
    /// The error in a sentence: what happened, who is in the way, what to do; empty on success.
    public var message: String
    /// Did the lock manager answer so, rather than the engine?
    public var isFromManager: Bool
    /// The lock manager that the action was about, if any.
    public var kind: LockManagerKind?
    /// What else the client should know.
    public var notes: Notes
    /// How often this host had joined the lockspace, where the manager counts it; else 0.
    public var generation: UInt64
    /// What the action asked for, beyond success.
    public var content: Content

    /// What a reply may carry.
    public enum Content: Hashable, Sendable {
        /// Nothing but the outcome.
        case nothing
        /// What a grant says about the protected data, and its fencing token.
        case granted(ValueBlockReading, FencingToken?)
        /// Who is in the way, or how the manager sees this host.
        indirect case host(Host)
        /// Lock arguments for the metadata; empty where there are none.
        indirect case arguments(volumeGroup: String, logicalVolume: String)
        /// The mode in which this host holds the resource.
        case mode(LockMode)
        /// How many lockspaces are left.
        case lockspacesLeft(Int)
        /// The generation of this host's previous membership.
        case previousGeneration(UInt64)
        /// The one lock manager that runs.
        case manager(LockManagerKind)
    }

    /// What else a client should know. On the socket these are lvmlockd's result flags.
    public struct Notes: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt8

        /// Wraps the bits.
        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// This host is in no lockspace at all.
        public static let noLockspaces = Notes(rawValue: 1 << 0)
        /// No lockspace carries the global lock.
        public static let noGlobalLock = Notes(rawValue: 1 << 1)
        /// No lock manager is in use and none runs.
        public static let noManager = Notes(rawValue: 1 << 2)
        /// Several volume groups carry a global lock; all but one should be disabled.
        public static let duplicateGlobalLock = Notes(rawValue: 1 << 3)
        /// The volume group that carried the global lock was removed; another must be enabled.
        public static let globalLockRemoved = Notes(rawValue: 1 << 4)
        /// A persistent shared lock is in the way of an exclusive request.
        public static let sharedLockExists = Notes(rawValue: 1 << 5)
        /// The manager cannot tell yet whether other hosts use the lockspace.
        public static let hostsUnknown = Notes(rawValue: 1 << 6)
        /// No lock manager is in use.
        public static let noManagerInUse = Notes(rawValue: 1 << 7)
    }

    /// An answer; without an error, success.
    public init(
        _ error: LockErrorCode? = nil, message: String = "", isFromManager: Bool = false,
        notes: Notes = [], content: Content = .nothing
    ) {
        self.error = error
        self.message = message
        self.isFromManager = isFromManager
        self.kind = nil
        self.notes = notes
        self.generation = 0
        self.content = content
    }

    /// The answer that reports a lock manager's failure.
    public init(_ error: LockManagerError) {
        self.init(error.code, message: error.description, isFromManager: true)
    }

    /// The action was carried out.
    public static let done = Reply()
}
