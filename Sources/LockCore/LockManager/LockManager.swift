/// A lock manager: the one thing to implement to make Holdfast work with another one.
///
/// A manager speaks for *this host*. It never sees clients, queues, or retries: the engine above it
/// settles all that, and asks the manager only to move the host's *hold* on a resource between
/// unlocked, shared and exclusive.
///
/// - **Contention is a value, only failure throws.** A resource that another host holds is
///   ``AcquireOutcome/contended(_:)``. Every ``LockManagerError`` says what became of the hold.
/// - **One call per resource.** The engine has at most one call under way for a resource;
///   ``cancelAcquire(_:)`` is the one that may come beside it. Calls for different resources come
///   at the same time and must not wait for each other.
/// - **Never block the caller's thread.** Put blocking calls on a ``BlockingExecutor``. A manager
///   that answers without suspending is served without a thread change.
///
/// `LockInMemory` is the reference conformer; "Implementing a lock manager" in the documentation
/// goes through one step by step.
public protocol LockManager: Sendable {
    /// The word that a volume group's lock type uses, such as `dlm`.
    var kind: LockManagerKind { get }
    /// What this manager can do. Constant.
    var capabilities: LockManagerCapabilities { get }

    /// Is the manager's own service up on this host? Quick, and never fails.
    func isRunning() async -> Bool

    /// Makes the lock arguments of a volume group that is being created or given this lock type.
    /// This host need not be a member of anything.
    func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments

    /// Checks quickly whether a join can work, and finds out what the caller must know before the
    /// slow part. Waits for no other host.
    func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared
    /// Makes this host a member of the lockspace. May take minutes.
    func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership
    /// Ends the membership, and every hold that is left in it. All have been released before, if
    /// the host could.
    func leave(_ lockspace: Lockspace.ID, _ reason: LeaveReason) async throws(LockManagerError)
    /// Do other hosts take part in the lockspace? This host is a member. A host that died counts as
    /// long as it may hold anything.
    func otherHosts(in lockspace: Lockspace.ID) async throws(LockManagerError) -> OtherHosts
    /// How the manager sees this host in the lockspace; nil if it does not watch hosts.
    func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host?
    /// Lockspaces that an earlier process on this host left joined.
    func leftBehind() async throws(LockManagerError) -> [Lockspace.ID]

    /// Moves the hold from unlocked to shared or exclusive.
    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome
    /// Makes a waiting ``acquire(_:_:_:)`` answer soon: contended, or granted if that came first.
    /// Only called for a manager that ``LockManagerCapabilities/waitsInQueue``.
    func cancelAcquire(_ resource: Resource.ID) async
    /// Moves the hold between shared and exclusive, without waiting. From exclusive, a value block
    /// to publish comes with it. The new hold is a new grant, with an id of its own.
    func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome
    /// Moves the hold to unlocked and publishes a value block, if one comes with it. Succeeds where
    /// nothing is held: after an acquire whose outcome is unknown the engine releases, too. After
    /// an error the engine regards the hold as released; the manager finishes the release by
    /// itself, for hosts that ask later and for those that wait already.
    func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError)
    /// Nobody on this host is interested in the resource any more. Until then, a manager whose
    /// value blocks live only as long as somebody has interest (DLM) keeps a null lock.
    func forget(_ resource: Resource.ID) async
    /// Who holds the resource, without acquiring it; nil where the manager cannot tell.
    func holders(of resource: Resource) async throws(LockManagerError) -> [Host]?
    /// Drops the locks that an earlier process on this host left behind in the lockspace.
    func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError)

    /// What happens without being asked for. Read once, by the service; ends with the manager.
    var events: AsyncStream<LockManagerEvent> { get }
}

/// Whether locks and memberships of an earlier process may be taken over.
public enum Adoption: Hashable, Sendable {
    /// Only fresh ones.
    case none
    /// Those left behind if there are any, else fresh ones.
    case allowed
    /// Those left behind, or an error.
    case required
}

/// How to join a lockspace.
public struct JoinOptions: Hashable, Sendable {
    /// Whether a membership left behind may be taken over.
    public var adopting: Adoption
    /// Skip the wait for a previous owner of the host number, if that is safe.
    public var withoutDelay: Bool
    /// Repair a damaged lease.
    public var repairing: Bool

    /// Describes a join.
    public init(adopting: Adoption = .none, withoutDelay: Bool = false, repairing: Bool = false) {
        self.adopting = adopting
        self.withoutDelay = withoutDelay
        self.repairing = repairing
    }
}

/// What ``LockManager/prepare(_:_:)`` found out.
public struct Prepared: Hashable, Sendable {
    /// The lockspace, with what was found filled in.
    public var lockspace: Lockspace
    /// The generation of this host's previous membership; 0 if the manager counts none.
    public var previousGeneration: UInt64
    /// Does this volume group carry the global lock?
    public var carriesGlobalLock: Bool
    /// How long the join may take; nil if it is quick, or the manager cannot tell.
    public var joinTakesUpTo: Duration?

    /// Describes a lockspace that can be joined.
    public init(
        _ lockspace: Lockspace, previousGeneration: UInt64 = 0, carriesGlobalLock: Bool = false,
        joinTakesUpTo: Duration? = nil
    ) {
        self.lockspace = lockspace
        self.previousGeneration = previousGeneration
        self.carriesGlobalLock = carriesGlobalLock
        self.joinTakesUpTo = joinTakesUpTo
    }
}

/// This host's part in a lockspace, from join to leave.
public struct Membership: Hashable, Sendable {
    /// Tells one membership from an earlier one of the same lockspace.
    public struct ID: Hashable, Sendable {
        /// A number that the manager never uses twice in its life.
        public var rawValue: UInt64

        /// Wraps the manager's number.
        public init(_ rawValue: UInt64) {
            self.rawValue = rawValue
        }
    }

    /// Which membership.
    public var id: ID
    /// This host's number in the lockspace; 0 if the manager has none.
    public var hostID: UInt64
    /// How often this host has joined; 0 if the manager counts none.
    public var generation: UInt64

    /// Describes a membership.
    public init(id: ID, hostID: UInt64 = 0, generation: UInt64 = 0) {
        self.id = id
        self.hostID = hostID
        self.generation = generation
    }
}

/// Why a lockspace is left.
public enum LeaveReason: Hashable, Sendable {
    /// The volume group is stopped on this host.
    case stopped
    /// The volume group is removed; nobody will join again.
    case removed
    /// The volume group lost its storage and is out of use.
    case dropped
    /// The volume group gets another name.
    case renamed
    /// The volume group gets other lock arguments.
    case argumentsChange
}

/// How to acquire a resource.
public struct AcquireOptions: Hashable, Sendable {
    /// Wait in the manager's queue until granted or cancelled, where it has one.
    public var waiting: Bool
    /// Whether a lock left behind may be taken over. Adopted, it is a new grant.
    public var adopting: Adoption
    /// Repair a damaged lease.
    public var repairing: Bool

    /// Describes an acquisition.
    public init(waiting: Bool = false, adopting: Adoption = .none, repairing: Bool = false) {
        self.waiting = waiting
        self.adopting = adopting
        self.repairing = repairing
    }
}

/// What came of asking for a hold.
public enum AcquireOutcome: Hashable, Sendable {
    /// This host has the hold.
    case granted(Grant)
    /// Another host is in the way.
    case contended(Contention)
    /// There is no lock left behind to adopt; nothing was acquired.
    case noOrphan
    /// The lock left behind is held in the other mode; nothing was acquired.
    case orphanInOtherMode
}

/// A hold that was granted.
public struct Grant: Hashable, Sendable {
    /// Tells one grant from another of the same resource.
    public struct ID: Hashable, Sendable {
        /// A number that the manager never uses twice in its life.
        public var rawValue: UInt64

        /// Wraps the manager's number.
        public init(_ rawValue: UInt64) {
            self.rawValue = rawValue
        }
    }

    /// Which grant.
    public var id: ID
    /// What the value block says.
    public var value: ValueBlockReading
    /// The fencing token, where the manager keeps one.
    public var token: FencingToken?

    /// Describes a grant.
    public init(id: ID, value: ValueBlockReading = .unknown, token: FencingToken? = nil) {
        self.id = id
        self.value = value
        self.token = token
    }
}

/// What is known about who is in the way.
public struct Contention: Hashable, Sendable {
    /// The holder, where the manager knows it.
    public var owner: Host?
    /// The conflict comes from how the manager shares leases and passes by itself.
    public var isPassing: Bool

    /// Describes a conflict.
    public init(owner: Host? = nil, isPassing: Bool = false) {
        self.owner = owner
        self.isPassing = isPassing
    }
}

/// The lock arguments of a new volume group.
public struct VolumeGroupArguments: Hashable, Sendable {
    /// What to write into the volume group's metadata.
    public var arguments: String
    /// The volume group carries the global lock.
    public var carriesGlobalLock: Bool

    /// Describes lock arguments.
    public init(_ arguments: String, carriesGlobalLock: Bool = false) {
        self.arguments = arguments
        self.carriesGlobalLock = carriesGlobalLock
    }
}

/// Something that a lock manager reports by itself.
public struct LockManagerEvent: Hashable, Sendable {
    /// Where it happened.
    public var lockspace: Lockspace.ID
    /// The membership it belongs to; an event of an older one is dropped.
    public var membership: Membership.ID
    /// What happened.
    public var what: What

    /// What can happen.
    public enum What: Hashable, Sendable {
        /// This host is losing, or has lost, its membership and with it every hold. Until
        /// `certainFor` has passed, no other host can be granted what this one held.
        case lost(reason: String, certainFor: Duration)
        /// Another host waits for a resource that this grant covers. Reported once per grant.
        case wanted(Resource.Name, by: Grant.ID)
    }

    /// Describes an event.
    public init(lockspace: Lockspace.ID, membership: Membership.ID, what: What) {
        self.lockspace = lockspace
        self.membership = membership
        self.what = what
    }
}
