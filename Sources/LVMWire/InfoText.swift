public import LockCore

/// The service's state as the lines that `lvmlockctl --info` reads.
///
/// lvmlockctl splits the lines by fixed words and white space, into buffers without bounds: 512
/// bytes a line and 100 clients. So lines are cut, and the clients that matter come first.
public struct InfoText: Hashable, Sendable {
    /// Connected clients.
    public var clients: [Client] = []
    /// Lockspaces, in the order in which they were added.
    public var lockspaces: [Lockspace] = []

    /// A state in which nothing goes on.
    public init() {}

    /// Whose lines these are. They differ in what stands before a lockspace's type, and lvmlockctl
    /// of one version shows no type from lines of the other.
    public enum Form: Hashable, Sendable {
        /// lvm2 2.03.16, with `vg_sysid`. Its lvmlockctl takes 1 MiB, and writes past its buffer
        /// if there is more.
        case lvm2_03_16
        /// lvm2 2.03.40, with `generation`, `fence_pr` and the owners of locks.
        case lvm2_03_40

        /// How many bytes its lvmlockctl can take.
        public var limit: Int {
            switch self {
            case .lvm2_03_16: 1024 * 1024
            case .lvm2_03_40: Limits.infoBytes
            }
        }
    }

    /// A connection.
    public struct Client: Hashable, Sendable {
        /// The number by which locks and actions name it.
        public var id: UInt32
        /// Its process.
        public var processID: Int32
        /// The connection's file descriptor.
        public var descriptor: Int32
        /// The command's name, as far as it has told.
        public var name: String

        /// Describes a connection.
        public init(id: UInt32, processID: Int32, descriptor: Int32 = 0, name: String = "") {
            self.id = id
            self.processID = processID
            self.descriptor = descriptor
            self.name = name
        }
    }

    /// A lockspace, with what is locked in it.
    public struct Lockspace: Hashable, Sendable {
        /// Its name in the lock manager.
        public var name: String
        /// Its volume group; empty for a global lockspace.
        public var volumeGroup = ""
        /// The volume group's UUID.
        public var volumeGroupUUID = ""
        /// The volume group's lock arguments.
        public var arguments = ""
        /// Its lock manager.
        public var kind: LockManagerKind?
        /// This host's number in it; 0 if it has none.
        public var hostID: UInt64 = 0
        /// How often this host joined it; 0 if nobody counts.
        public var generation: UInt64 = 0
        /// Joining failed.
        public var hasFailed = false
        /// Joining is over, well or badly.
        public var hasStarted = false
        /// There is something to do in it.
        public var hasWork = false
        /// It is being left.
        public var isStopping = false
        /// It has been left, and stays listed for a moment, as `REM:` and its name.
        public var isStopped = false
        /// Its volume group was killed.
        public var isKilled = false
        /// Its volume group was dropped (2.03.16 only).
        public var isDropped = false
        /// Hosts in the way are fenced by persistent reservations (2.03.40 only).
        public var fencesByReservation = false
        /// Leases do not expire (2.03.40 only).
        public var hasNoTimeout = false
        /// Its volume group carries sanlock's global lock.
        public var carriesGlobalLock = false
        /// What waits for the lockspace.
        public var actions: [Action] = []
        /// What is known in it.
        public var resources: [Resource] = []

        /// Describes a lockspace of which only the name is known.
        public init(name: String, kind: LockManagerKind? = nil) {
            self.name = name
            self.kind = kind
        }
    }

    /// A resource.
    public struct Resource: Hashable, Sendable {
        /// Which resource.
        public var name: LockCore.Resource.Name
        /// This host's hold.
        public var mode: LockMode
        /// The version that the host knows of the protected data.
        public var version: UInt32
        /// Locks that clients have on it, and persistent ones.
        public var locks: [Lock]
        /// What waits for it.
        public var actions: [Action]

        /// Describes a resource.
        public init(
            name: LockCore.Resource.Name, mode: LockMode, version: UInt32 = 0, locks: [Lock] = [],
            actions: [Action] = []
        ) {
            self.name = name
            self.mode = mode
            self.version = version
            self.locks = locks
            self.actions = actions
        }
    }

    /// A request that waits.
    public struct Action: Hashable, Sendable {
        /// Whose request it is; 0 if nobody's.
        public var clientID: UInt32
        /// What it asks.
        public var operation: OperationNumber
        /// What kind of resource it is about; nil if about a lockspace as a whole.
        public var target: LockCore.Resource.Name?
        /// The mode that it asks for; nil if none.
        public var mode: LockMode?
        /// How it is to be done.
        public var options: LockCore.Action.Options
        /// The version that it announces.
        public var version: UInt32
        /// The lock manager that it names.
        public var kind: LockManagerKind?
        /// The host in its way, as far as known.
        public var owner: Host?

        /// Describes a request that waits.
        public init(
            clientID: UInt32, operation: OperationNumber,
            target: LockCore.Resource.Name? = nil, mode: LockMode? = nil,
            options: LockCore.Action.Options = [], version: UInt32 = 0,
            kind: LockManagerKind? = nil, owner: Host? = nil
        ) {
            self.clientID = clientID
            self.operation = operation
            self.target = target
            self.mode = mode
            self.options = options
            self.version = version
            self.kind = kind
            self.owner = owner
        }
    }
}
