import LockCore

/// What the lockspaces of a cluster share: its rules, its clock, the numbers it gives out, and what
/// is to be told to whom once a call has changed the state.
struct MemoryContext {
    /// Something to tell.
    enum Notice {
        /// A waiting call has its answer.
        case answer(MemoryWaiter.ID, Result<AcquireOutcome, LockManagerError>)
        /// A host's lock manager reports something by itself.
        case event(LockManagerEvent, host: UInt64)
    }

    let rules: InMemoryCluster.Configuration
    /// The time since the cluster began.
    let now: @Sendable () -> Duration
    /// Hosts whose failed releases cannot be finished, because nothing reaches them.
    var unreachable: Set<UInt64> = []
    var notices: [Notice] = []
    /// When holds expire that somebody may wait for.
    var deadlines: [Duration] = []

    private var lastGrant: UInt64 = 0
    private var lastMembership: UInt64 = 0
    private var lastWaiter: UInt64 = 0
    private var lastStamp: UInt64 = 0
    private var lastToken: UInt64 = 0

    init(rules: InMemoryCluster.Configuration, now: @escaping @Sendable () -> Duration) {
        self.rules = rules
        self.now = now
    }

    mutating func nextGrant() -> Grant.ID {
        self.lastGrant += 1
        return Grant.ID(self.lastGrant)
    }

    mutating func nextMembership() -> Membership.ID {
        self.lastMembership += 1
        return Membership.ID(self.lastMembership)
    }

    mutating func nextWaiter() -> MemoryWaiter.ID {
        self.lastWaiter += 1
        return MemoryWaiter.ID(rawValue: self.lastWaiter)
    }

    mutating func nextStamp() -> UInt64 {
        self.lastStamp += 1
        return self.lastStamp
    }

    /// One sequence for all resources, so that a resource's tokens grow even across a time in which
    /// nothing was known of it.
    mutating func nextToken() -> FencingToken {
        self.lastToken += 1
        return FencingToken(rawValue: self.lastToken)
    }
}

extension CallSubject {
    /// The failure of this call.
    func failure(
        _ code: LockErrorCode, hold: LockManagerError.Hold = .unchanged,
        layer: LockManagerError.Layer = .manager, status: Int32? = nil, advice: String = ""
    ) -> LockManagerError {
        LockManagerError(
            code, hold: hold, layer: layer, doing: self.doing, status: status, advice: advice)
    }
}
