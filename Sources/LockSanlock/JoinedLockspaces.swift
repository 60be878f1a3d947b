#if Sanlock
import LockCore

/// The lockspaces that this process prepared or joined. Every call asks for one.
final class JoinedLockspaces: Sendable {
    private struct Known {
        var plans: [Lockspace.ID: LockspacePlan] = [:]
        var members: [Lockspace.ID: SanlockLockspace] = [:]
    }

    private let known = Guarded(Known(), label: "holdfast.sanlock.lockspaces")

    /// The names of all that are joined.
    var names: Set<String> { self.known.with { Set($0.members.keys.map(\.name)) } }

    /// Remembers what was found out, until the join.
    func remember(_ plan: LockspacePlan) {
        self.known.with { $0.plans[plan.id] = plan }
    }

    /// What ``remember(_:)`` was given last.
    func plan(_ id: Lockspace.ID) -> LockspacePlan? { self.known.with { $0.plans[id] } }

    /// The lockspace, if this host joined it.
    func joined(_ id: Lockspace.ID) -> SanlockLockspace? { self.known.with { $0.members[id] } }

    /// Keeps a lockspace that was joined.
    func add(_ lockspace: SanlockLockspace) {
        self.known.with { $0.members[lockspace.id] = lockspace }
    }

    /// Forgets a lockspace that was left.
    func remove(_ id: Lockspace.ID) {
        self.known.with { known in
            known.members[id] = nil
            known.plans[id] = nil
        }
    }

    /// The lockspace, if this host joined it.
    func member(
        _ id: Lockspace.ID, _ doing: @autoclosure () -> String
    ) throws(LockManagerError) -> SanlockLockspace {
        guard let member = self.joined(id) else {
            throw LockManagerError(.lockspaceNotFound, doing: doing())
        }
        return member
    }

    /// The lockspace that a notice is about; nil if the membership is over.
    func subject(of notice: KillNotice) -> SanlockLockspace? {
        self.known.with { known in
            known.members.values.first {
                $0.id.name == notice.lockspace && $0.membership.id.rawValue == notice.membership
            }
        }
    }
}
#endif
