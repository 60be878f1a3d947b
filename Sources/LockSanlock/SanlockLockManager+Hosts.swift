#if Sanlock
public import LockCore

extension SanlockLockManager {
    /// Counts the hosts that sanlock has seen alive and that may hold anything.
    public func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        let doing = "look for other hosts in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        guard let hosts = try await self.firstHosts(of: member, doing) else { return .unknown }
        let others = hosts.filter { $0.id != member.plan.hostID && $0.mayHold }
        guard !others.isEmpty else { return .none }
        return others.contains { $0.state != .unknown } ? .count(others.count) : .unknown
    }

    /// This host as sanlock sees it.
    public func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        let doing = "look up this host in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        let hostID = member.plan.hostID
        let found = try await self.hosts(of: member, doing)?.first { $0.id == hostID }
        // For its first seconds as a member, sanlock has not looked at this host, either.
        let early: Host.State = member.isLost ? .failing : .live
        let state = found?.state ?? .unknown
        return await member.named(
            Host(
                id: hostID, generation: member.membership.generation,
                timestamp: found?.timestamp ?? 0, state: state == .unknown ? early : state))
    }

    /// All hosts. A new member waits, a few seconds at most, until sanlock has looked once.
    private func firstHosts(
        of member: SanlockLockspace, _ doing: String
    ) async throws(LockManagerError) -> [HostRecord]? {
        for _ in 0..<25 {
            if let hosts = try await self.hosts(of: member, doing) { return hosts }
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                return nil
            }
        }
        return nil
    }

    /// All hosts; nil while sanlock has not looked yet.
    func hosts(
        of member: SanlockLockspace, _ doing: String
    ) async throws(LockManagerError) -> [HostRecord]? {
        do throws(SanlockStatus) {
            return try await member.hosts()
        } catch {
            throw error.error(doing)
        }
    }

    /// The lockspaces of volume groups that the daemon has and this process did not join.
    public func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        let calls = self.calls
        let joined = self.lockspaces.names
        do throws(SanlockStatus) {
            let found = try await self.housekeeping.run { () throws(SanlockStatus) in
                try calls.lockspaces()
            }
            return found.map(\.name)
                .filter { $0.hasPrefix("lvm_") && !joined.contains($0) }
                .map { Lockspace.ID(kind: .sanlock, name: $0) }
        } catch {
            throw error.error("look for lockspaces left behind")
        }
    }

    /// Lets the daemon release all orphans of the lockspace. It does so in the background;
    /// until it has, whoever asks for one of them is told of a conflict that passes.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        let doing = "purge the orphans of \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        do throws(SanlockStatus) {
            try await member.releaseOrphans()
        } catch {
            throw error.error(doing)
        }
    }
}
#endif
