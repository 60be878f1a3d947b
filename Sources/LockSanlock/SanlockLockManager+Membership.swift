#if Sanlock
import Glibc
public import LockCore

extension SanlockLockManager {
    /// Adds the lockspace. Takes a few io timeouts where this host left its number free, and
    /// longer where it did not: until the number's last owner is certainly gone.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        let id = prepared.lockspace.id
        let doing = "join \(id)"
        guard let plan = self.lockspaces.plan(id) else {
            throw LockManagerError(.invalidRequest, doing: doing, advice: "prepare it first")
        }
        if let member = self.lockspaces.joined(id) {
            throw LockManagerError(
                .lockspaceExists, doing: doing,
                advice: member.isLost ? "it was lost; leave it first" : "")
        }
        try await self.add(plan, options, doing)
        do throws(SanlockStatus) {
            let membership = try await self.settle(plan)
            await self.keepInfo(of: prepared.lockspace, plan, membership)
            return membership
        } catch {
            self.lockspaces.remove(id)
            await self.giveUp(plan)
            throw error.error(doing)
        }
    }

    // MARK: Adding

    private func add(
        _ plan: LockspacePlan, _ options: JoinOptions, _ doing: String
    ) async throws(LockManagerError) {
        if options.adopting == .required {
            return try await self.checkLeftBehind(plan, doing)
        }
        let flags = try await self.addFlags(plan, options, doing)
        let (calls, timeout) = (self.calls, self.configuration.ioTimeoutSeconds)
        let record = plan.record
        while true {
            do throws(SanlockStatus) {
                return try await plan.housekeeping.run { () throws(SanlockStatus) in
                    try calls.addLockspace(record, flags, timeout)
                }
            } catch {
                if error == .errno(EEXIST) && options.adopting == .allowed { return }
                guard error == .errno(EAGAIN) else { throw Self.addFailed(error, doing) }
                // An earlier membership is being removed.
                try await Self.pause(doing)
            }
        }
    }

    private static func addFailed(_ status: SanlockStatus, _ doing: String) -> LockManagerError {
        switch status {
        case .errno(EEXIST):
            status.error(
                doing, code: .lockspaceExists,
                advice: "an earlier process left it joined; adopt it")
        case .errno(EINVAL):
            // sanlock compares name, host number, and place.
            status.error(
                doing, code: .lockspaceExists,
                advice: "sanlock has a lockspace of that name or at that place, with another "
                    + "host number or path; see sanlock client status")
        default:
            status.error(doing)
        }
    }

    private func checkLeftBehind(
        _ plan: LockspacePlan, _ doing: String
    ) async throws(LockManagerError) {
        let (calls, record) = (self.calls, plan.record)
        do throws(SanlockStatus) {
            try await plan.housekeeping.run { () throws(SanlockStatus) in
                try calls.inquireLockspace(record, true)
            }
        } catch {
            throw error.error(doing, code: error == .errno(ENOENT) ? .noOrphan : nil)
        }
    }

    /// `SANLK_ADD_NODELAY` came with sanlock 4.1; an earlier daemon ignores it, and waits.
    private func addFlags(
        _ plan: LockspacePlan, _ options: JoinOptions, _ doing: String
    ) async throws(LockManagerError) -> AddFlags {
        var isSafe = options.withoutDelay
        if !isSafe { isSafe = await self.wasLastOwner(plan) }
        guard isSafe else { return [] }
        let version = try await self.daemonVersion(doing)
        return version >= 0x0401_0000 ? .withoutDelay : []
    }

    private static func pause(_ doing: String) async throws(LockManagerError) {
        do {
            try await Task.sleep(for: .milliseconds(200))
        } catch {
            throw LockManagerError(.cancelled, doing: doing)
        }
    }

    // MARK: After that

    /// Makes the membership known, and its loss noticed.
    private func settle(_ plan: LockspacePlan) async throws(SanlockStatus) -> Membership {
        let calls = self.calls
        let address = try await self.killSocket.listen()
        let name = plan.id.name
        let socket = try await plan.housekeeping.run { () throws(SanlockStatus) in
            // An orphan protects what this host still uses: with one, the lockspace must not
            // be let go of.
            try calls.configure(name, .usedByOrphans)
            return try calls.watchLockspace(name)
        }
        let generation: UInt64
        do throws(SanlockStatus) {
            generation = try await self.generation(plan)
        } catch {
            calls.close(socket)
            throw error
        }
        let membership = Membership(
            id: Membership.ID(self.context.memberships.next()), hostID: plan.hostID,
            generation: generation)
        let lockspace = SanlockLockspace(
            plan, membership, self.context, killSocket: address)
        self.lockspaces.add(lockspace)
        lockspace.startWatching(socket)
        try await lockspace.open()
        return membership
    }

    /// How often this host has joined, from its own lease; where that cannot be read, from
    /// sanlock, which knows when it has looked at the lease once.
    private func generation(_ plan: LockspacePlan) async throws(SanlockStatus) -> UInt64 {
        let (calls, name) = (self.calls, plan.id.name)
        while true {
            if let lease = await plan.lease(ofHost: plan.hostID, self.configuration),
                lease.generation > 0
            {
                return lease.generation
            }
            do throws(SanlockStatus) {
                let hosts = try await plan.housekeeping.run { () throws(SanlockStatus) in
                    try calls.hosts(name, plan.hostID)
                }
                if let generation = hosts.first?.generation, generation > 0 { return generation }
            } catch {
                guard error == .errno(EAGAIN) else { throw error }
            }
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                throw .errno(ECANCELED)
            }
        }
    }

    private func giveUp(_ plan: LockspacePlan) async {
        let (calls, record) = (self.calls, plan.record)
        await plan.housekeeping.run {
            do throws(SanlockStatus) {
                try calls.removeLockspace(record, [.asynchronous, .unused])
            } catch {
                // The join failed for a reason of its own, which the caller hears.
            }
        }
    }

    // MARK: Leaving

    /// Releases what is left, and removes the lockspace. A lockspace that was lost or dropped
    /// is removed in the background: its storage may never answer.
    ///
    /// Orphans protect what still runs on this host. A volume group that is stopped while it
    /// has any is ``LockErrorCode/lockspaceBusy``: adopt them, or purge them.
    public func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        let doing = "leave \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        let isLost = member.isLost
        member.setLeaving(true)
        if reason == .removed && !isLost { await member.invalidate() }
        await member.releaseEverything()
        do throws(SanlockStatus) {
            if reason == .removed || reason == .dropped || isLost {
                try await member.releaseOrphans()
            }
            try await self.remove(member, reason, inBackground: isLost || reason == .dropped)
        } catch {
            // It is gone, or going.
            let isGone = [.errno(ENOENT), .errno(EINPROGRESS)].contains(error)
            guard isGone || error.isFromAbsentDaemon else {
                member.setLeaving(false)
                throw error.error(doing)
            }
        }
        member.end()
        if reason == .removed { await self.forgetInfo(of: lockspace) }
        self.lockspaces.remove(lockspace)
    }

    private func remove(
        _ member: SanlockLockspace, _ reason: LeaveReason, inBackground: Bool
    ) async throws(SanlockStatus) {
        let (calls, record) = (self.calls, member.plan.record)
        let flags: RemoveFlags =
            inBackground ? .asynchronous : reason == .removed ? [] : .unused
        try await self.afterReleases { () async throws(SanlockStatus) in
            try await member.housekeeping.run { () throws(SanlockStatus) in
                try calls.removeLockspace(record, flags)
            }
        }
        if inBackground { try await self.untilGoing(member) }
        guard reason == .removed && !inBackground else { return }
        // Whoever is about to join must not find a lockspace.
        var unused = record
        unused.name = "#unused"
        let blank = unused
        try await member.housekeeping.run { () throws(SanlockStatus) in
            try calls.writeLockspace(blank, [], 0)
        }
    }

    /// Waits, a few seconds at most, until the daemon counts the lockspace among those that it
    /// removes, so that a join that follows does not meet the old membership.
    private func untilGoing(_ member: SanlockLockspace) async throws(SanlockStatus) {
        let (calls, record) = (self.calls, member.plan.record)
        for _ in 0..<50 {
            // Throws once it is going, or gone.
            try await member.housekeeping.run { () throws(SanlockStatus) in
                try calls.inquireLockspace(record, false)
            }
            do {
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                return
            }
        }
    }

    /// A release that sanlock itself finishes keeps the lockspace in use for a moment.
    private func afterReleases(
        _ remove: () async throws(SanlockStatus) -> Void
    ) async throws(SanlockStatus) {
        for _ in 0..<15 {
            do throws(SanlockStatus) {
                return try await remove()
            } catch {
                guard error == .errno(EBUSY) else { throw error }
            }
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                throw .errno(ECANCELED)
            }
        }
        try await remove()
    }
}
#endif
