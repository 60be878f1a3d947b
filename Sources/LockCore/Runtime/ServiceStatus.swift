/// What a service knows at a moment, for people and tools to look at.
public struct ServiceStatus: Sendable {
    /// The connected clients.
    public var clients: [Client]
    /// The lockspaces, the oldest first.
    public var lockspaces: [LockspaceStatus]
}

/// What is known of one lockspace.
public struct LockspaceStatus: Sendable {
    /// Which lockspace, as it was asked for and completed by the manager.
    public var lockspace: Lockspace
    /// Where it is in its life.
    public var state: State
    /// This host's part in it, once it has joined.
    public var membership: Membership?
    /// Its storage was lost; only letting go is allowed.
    public var isKilled: Bool
    /// It carries a global lock.
    public var carriesGlobalLock: Bool
    /// Its resources, the oldest first.
    public var resources: [ResourceStatus]

    /// Where a lockspace is in its life.
    public enum State: String, Sendable {
        /// Being joined.
        case starting
        /// In use.
        case started
        /// Being left.
        case stopping
        /// Left.
        case stopped
        /// Could not be joined.
        case failed
    }
}

/// What is known of one resource.
public struct ResourceStatus: Sendable {
    /// Which resource of the lockspace.
    public var name: Resource.Name
    /// How this host holds it.
    public var mode: LockMode
    /// The version in its value block, as last seen or published.
    public var version: UInt32
    /// The locks that share the hold.
    public var locks: [Lock]
    /// Who waits, in order, and for which mode.
    public var waiting: [Waiter]

    /// A request that waits.
    public struct Waiter: Sendable {
        /// Whose request it is.
        public var client: Client.ID
        /// What it asks for.
        public var mode: LockMode
        /// Whether it asks for a persistent lock.
        public var isPersistent: Bool
    }
}

extension LockService {
    /// What the service knows now.
    public func status() -> ServiceStatus {
        ServiceStatus(
            clients: self.clients.values.map(\.client).sorted { $0.id < $1.id },
            lockspaces: self.listed.map { runner in
                let carries = self.globalLock.carries(runner.id)
                return LockspaceStatus(runner.machine, carries)
            })
    }

    /// How many inputs the resources of a volume group's lockspace have taken so far: a measure of
    /// work that no clock disturbs.
    package func steps(in volumeGroup: String) -> UInt64 {
        self.runners[volumeGroup]?.machine.steps ?? 0
    }
}

extension LockspaceStatus {
    init(_ machine: LockspaceMachine, _ carriesGlobalLock: Bool) {
        self.lockspace = machine.lockspace
        self.membership = machine.membership
        self.isKilled = machine.isKilled
        self.carriesGlobalLock = carriesGlobalLock
        self.resources = machine.resources.values.sorted { $0.order < $1.order }.map {
            ResourceStatus($0)
        }
        self.state =
            switch machine.state {
            case .stopped: .stopped
            case .failed: .failed
            case _ where machine.isStopping: .stopping
            case .preparing, .joining: .starting
            case .started, .clearing, .leaving: .started
            }
    }
}

extension ResourceStatus {
    init(_ machine: ResourceMachine) {
        self.name = machine.name
        self.mode = machine.hold
        self.version = machine.version.version
        self.locks = machine.locks
        self.waiting = machine.waiting.map {
            Waiter(client: $0.client, mode: $0.mode, isPersistent: $0.isPersistent)
        }
    }
}
