import LockCore

/// The lockspaces that this process has joined, and how they come and go.
final class DLMMembers: Sendable {
    private let calls: DLMCalls
    private let files: ClusterFiles
    private let watch: DaemonWatch
    private let report: @Sendable (LockManagerEvent) -> Void
    private let patience: Duration
    private let numbers = DLMNumbers()
    /// libdlm opens the kernel's device once, and not for two threads at a time.
    private let device = BlockingExecutor(label: "dlm device")
    /// Looking one up takes no change of thread: what is asked of a lockspace reaches it in the
    /// order in which it was asked.
    private let lockspaces = Guarded<[Lockspace.ID: State]>([:], label: "dlm lockspaces")

    private typealias Joiner = CheckedContinuation<Result<Membership, LockManagerError>, Never>

    private enum State {
        /// Being joined, for somebody who waits. Next: joined, abandoned, or gone.
        case joining(Membership, Joiner)
        /// Being joined by the kernel, which may wait for a dlm_controld that has ended and never
        /// come back. Nobody waits for it. Next: gone.
        case abandoned
        /// Joined. Next: leaving.
        case joined(DLMLockspace, DaemonWatch.Token)
        /// Being left; nil if an earlier process joined it. Next: gone.
        case leaving(DLMLockspace?)
    }

    init(
        calls: DLMCalls, files: ClusterFiles, watch: DaemonWatch, patience: Duration,
        report: @escaping @Sendable (LockManagerEvent) -> Void
    ) {
        self.calls = calls
        self.files = files
        self.watch = watch
        self.patience = patience
        self.report = report
    }

    subscript(id: Lockspace.ID) -> DLMLockspace? {
        self.lockspaces.with { states in
            if case .joined(let space, _) = states[id] { space } else { nil }
        }
    }

    /// Those that are not left behind, whatever becomes of them.
    var joined: Set<Lockspace.ID> { self.lockspaces.with { Set($0.keys) } }

    func kernelVersion() async -> Result<DLMKernelVersion, DLMFailure> {
        let calls = self.calls
        return await self.device.run { calls.kernelVersion() }
    }

    // MARK: Joining

    func join(
        _ id: Lockspace.ID, adopting: Adoption, node: UInt64
    ) async throws(LockManagerError) -> Membership {
        let membership = Membership(id: self.numbers.nextMembership(), hostID: node)
        let outcome = await withCheckedContinuation { (caller: Joiner) in
            let obstacle = self.lockspaces.with { states -> LockManagerError? in
                if let state = states[id] { return Self.refusal(of: id, in: state) }
                states[id] = .joining(membership, caller)
                return nil
            }
            if let obstacle { return caller.resume(returning: .failure(obstacle)) }
            Task { await self.carryOut(id, adopting, membership) }
        }
        return try outcome.get()
    }

    /// Why a lockspace cannot be joined now.
    private static func refusal(of id: Lockspace.ID, in state: State) -> LockManagerError {
        let doing = "start \(id)"
        if case .abandoned = state {
            let advice =
                "the kernel still waits for the dlm_controld that has ended; "
                + "this host has to be restarted"
            return LockManagerError(.managerUnavailable, doing: doing, advice: advice)
        }
        return LockManagerError(.lockspaceExists, doing: doing)
    }

    /// Joins, for as long as the kernel takes.
    private func carryOut(
        _ id: Lockspace.ID, _ adopting: Adoption, _ membership: Membership
    ) async {
        let doing = "start \(id)"
        guard let token = await self.watchDaemon(for: id, membership.id) else {
            return self.ended(id, Self.withoutDaemon(doing))
        }
        do throws(LockManagerError) {
            let space = try await self.open(id, adopting, membership, doing)
            let caller = self.lockspaces.with { states -> Joiner? in
                guard case .joining(_, let caller) = states[id] else { return nil }
                states[id] = .joined(space, token)
                return caller
            }
            if let caller { return caller.resume(returning: .success(membership)) }
            space.daemonEnded()
            _ = await space.leave()
            token.cancel()
            self.ended(id, Self.withoutDaemon(doing))
        } catch {
            token.cancel()
            self.ended(id, error)
        }
    }

    /// The join came to nothing. If it was abandoned, whoever wanted it knows that already.
    private func ended(_ id: Lockspace.ID, _ error: LockManagerError) {
        let state = self.lockspaces.with { $0.removeValue(forKey: id) }
        if case .joining(_, let caller) = state { caller.resume(returning: .failure(error)) }
    }

    private func open(
        _ id: Lockspace.ID, _ adopting: Adoption, _ membership: Membership, _ doing: String
    ) async throws(LockManagerError) -> DLMLockspace {
        do throws(DLMFailure) {
            let (opened, isAdopted) = try await self.open(id.name, adopting)
            let space = DLMLockspace(
                id, membership, opened: opened, isAdopted: isAdopted, calls: self.calls,
                numbers: self.numbers, patience: self.patience, report: self.report)
            await space.start()
            return space
        } catch {
            let isMissing = error.status == .notFound || error.status == .noDevice
            if adopting == .required && isMissing {
                let advice = "nothing was left behind"
                throw LockManagerError(
                    .noOrphan, doing: doing, status: error.status.rawValue, advice: advice)
            }
            throw DLMLockManager.failure(error.status, doing)
        }
    }

    /// Opens what was left behind, if that may be, or joins. The kernel joins when dlm_controld
    /// has arranged it with the other hosts.
    private func open(
        _ name: String, _ adopting: Adoption
    ) async throws(DLMFailure) -> (DLMLockspaceID, isAdopted: Bool) {
        let calls = self.calls
        let thread = BlockingExecutor(label: "dlm join \(name)")
        if adopting != .none {
            switch await thread.run({ calls.open(name) }) {
            case .success(let opened): return (opened, true)
            case .failure(let failure):
                let isMissing = failure.status == .notFound || failure.status == .noDevice
                guard adopting == .allowed, isMissing else { throw failure }
            }
        }
        let files = self.files
        let wasThere = await thread.run { files.lockspaces()[name] != nil }
        switch await thread.run({ calls.create(name) }) {
        case .success(let opened): return (opened, false)
        case .failure(let failure):
            // The kernel may have joined all the same, and udev been too slow for libdlm.
            let isThere = await thread.run { files.lockspaces()[name] != nil }
            if isThere, !wasThere, failure.status != .exists {
                // What comes of it tells less than why the join failed.
                _ = await self.leaveLeftBehind(name)
            }
            throw failure
        }
    }

    // MARK: Leaving

    func leave(_ id: Lockspace.ID, isLeftBehind: Bool) async throws(LockManagerError) {
        let doing = "stop \(id)"
        let before = self.lockspaces.with { states in
            let before = states[id]
            switch before {
            case .joined(let space, _): states[id] = .leaving(space)
            case nil where isLeftBehind: states[id] = .leaving(nil)
            case .joining, .abandoned, .leaving, nil: break
            }
            return before
        }
        let status: DLMStatus
        switch before {
        case .joined(let space, let token):
            status = await space.leave()
            token.cancel()
        case nil where isLeftBehind:
            status = await self.leaveLeftBehind(id.name)
        case .joining, .abandoned, .leaving, nil:
            throw LockManagerError(.lockspaceNotFound, doing: doing)
        }
        self.lockspaces.with { $0[id] = nil }
        if status != .success { throw DLMLockManager.failure(status, doing) }
    }

    private func leaveLeftBehind(_ name: String) async -> DLMStatus {
        // Perhaps nothing was prepared in this process, and the device is not open.
        if let obstacle = self.files.obstacle() { return obstacle }
        if case .failure(let failure) = await self.kernelVersion() { return failure.status }
        let calls = self.calls
        return await BlockingExecutor(label: "dlm leave \(name)").run {
            switch calls.open(name) {
            case .success(let opened): calls.release(name, opened)
            case .failure(let failure): failure.status
            }
        }
    }

    // MARK: Loss

    /// Watches dlm_controld from before the join, so that its end is noticed at any time; nil if
    /// it cannot be reached.
    private func watchDaemon(
        for id: Lockspace.ID, _ membership: Membership.ID
    ) async -> DaemonWatch.Token? {
        let watch = self.watch
        return await BlockingExecutor(label: "dlm watch \(id)").run {
            watch.begin { [weak self] in self?.daemonEnded(for: id, membership) }
        }
    }

    private func daemonEnded(for id: Lockspace.ID, _ membership: Membership.ID) {
        let space = self.lockspaces.with { states -> DLMLockspace? in
            switch states[id] {
            case .joining(let joining, let caller):
                guard joining.id == membership else { return nil }
                states[id] = .abandoned
                caller.resume(returning: .failure(Self.withoutDaemon("start \(id)")))
                return nil
            case .joined(let space, _), .leaving(let space?):
                return space.membership.id == membership ? space : nil
            case .abandoned, .leaving(nil), nil:
                return nil
            }
        }
        space?.daemonEnded()
    }

    private static func withoutDaemon(_ doing: String) -> LockManagerError {
        LockManagerError(
            .managerUnavailable, layer: .daemon, doing: doing, advice: DLMWords.noDaemon)
    }
}
