#if Sanlock
import LockCore

/// The lockspaces that this process prepared or joined.
actor JoinedLockspaces {
    private var plans: [Lockspace.ID: LockspacePlan] = [:]
    private var members: [Lockspace.ID: SanlockLockspace] = [:]

    /// The names of all that are joined.
    var names: Set<String> { Set(self.members.keys.map(\.name)) }

    /// Remembers what was found out, until the join.
    func remember(_ plan: LockspacePlan) {
        self.plans[plan.id] = plan
    }

    /// What ``remember(_:)`` was given last.
    func plan(_ id: Lockspace.ID) -> LockspacePlan? { self.plans[id] }

    /// The lockspace, if this host joined it.
    func joined(_ id: Lockspace.ID) -> SanlockLockspace? { self.members[id] }

    /// Keeps a lockspace that was joined.
    func add(_ lockspace: SanlockLockspace) {
        self.members[lockspace.id] = lockspace
    }

    /// Forgets a lockspace that was left.
    func remove(_ id: Lockspace.ID) {
        self.members[id] = nil
        self.plans[id] = nil
    }

    /// The lockspace, if this host joined it.
    func member(
        _ id: Lockspace.ID, _ doing: @autoclosure () -> String
    ) throws(LockManagerError) -> SanlockLockspace {
        guard let member = self.members[id] else {
            throw LockManagerError(.lockspaceNotFound, doing: doing())
        }
        return member
    }

    /// The lockspace that a notice is about; nil if the membership is over.
    func subject(of notice: KillNotice) -> SanlockLockspace? {
        self.members.values.first {
            $0.id.name == notice.lockspace && $0.membership.id.rawValue == notice.membership
        }
    }
}
#endif
