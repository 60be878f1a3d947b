#if Sanlock
public import LockCore

extension SanlockLockManager: HostUndertaker {
    /// Needs sanlock 4.2, its library and its daemon. A host is missed when it has not renewed its
    /// lease for 8 io timeouts; where leases do not time out, nothing else frees its locks.
    public func declareDead(
        _ host: Host, in lockspace: Lockspace.ID
    ) async throws(LockManagerError) {
        let doing = "declare host \(host.id) dead in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        let features = DaemonFeatures(version: try await self.daemonVersion(doing))
        guard let setHostDead = self.calls.setHostDead, features.knowsNoTimeout else {
            throw features.refusal("it needs sanlock 4.2", doing, code: .notSupported)
        }
        let known = try await self.hosts(of: member, doing)?.first { $0.id == host.id }
        if let fault = Self.whyNotDead(host, known) {
            throw LockManagerError(.invalidRequest, doing: doing, advice: fault)
        }
        let record = member.plan.record
        do throws(SanlockStatus) {
            try await member.housekeeping.run { () throws(SanlockStatus) in
                try setHostDead(record, host.id, host.generation)
            }
        } catch {
            throw error.error(doing)
        }
    }

    /// What keeps the host from being declared dead; nil if nothing does.
    static func whyNotDead(_ host: Host, _ known: HostRecord?) -> String? {
        guard let known else { return "sanlock has not seen that host" }
        guard known.generation == host.generation else {
            return "the host has joined again since, with generation \(known.generation)"
        }
        switch known.state {
        case .failing, .dead: return nil
        case .live: return "the host renews its lease"
        case .free: return "the host has left"
        case .unknown: return "sanlock has not watched the host for long enough"
        }
    }
}
#endif
