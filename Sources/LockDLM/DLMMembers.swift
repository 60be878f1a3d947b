import LockCore

/// The lockspaces that this process has joined, and how they come and go.
actor DLMMembers {
    private let calls: DLMCalls
    private let watch: DaemonWatch
    private let report: @Sendable (LockManagerEvent) -> Void
    private let numbers = DLMNumbers()
    /// libdlm opens the kernel's device once, and not for two threads at a time.
    private let device = BlockingExecutor(label: "dlm device")
    private var lockspaces: [Lockspace.ID: State] = [:]
    private var watching: DaemonWatch.Token?

    private enum State {
        /// Being joined or left. Next: joined, or gone.
        case changing
        /// Joined. Next: changing.
        case joined(DLMLockspace)
    }

    init(
        calls: DLMCalls, watch: DaemonWatch,
        report: @escaping @Sendable (LockManagerEvent) -> Void
    ) {
        self.calls = calls
        self.watch = watch
        self.report = report
    }

    subscript(id: Lockspace.ID) -> DLMLockspace? {
        if case .joined(let space) = self.lockspaces[id] { space } else { nil }
    }

    /// Those that are not left behind, whatever becomes of them.
    var joined: Set<Lockspace.ID> { Set(self.lockspaces.keys) }

    func kernelVersion() async -> Result<DLMKernelVersion, DLMFailure> {
        let calls = self.calls
        return await self.device.run { calls.kernelVersion() }
    }

    func join(
        _ id: Lockspace.ID, adopting: Adoption, node: UInt64
    ) async throws(LockManagerError) -> Membership {
        let doing = "start \(id)"
        guard self.lockspaces[id] == nil else {
            throw LockManagerError(.lockspaceExists, doing: doing)
        }
        self.lockspaces[id] = .changing
        do throws(DLMFailure) {
            let (opened, isAdopted) = try await self.open(id.name, adopting)
            let membership = Membership(id: self.numbers.nextMembership(), hostID: node)
            let space = DLMLockspace(
                id, membership, opened: opened, isAdopted: isAdopted, calls: self.calls,
                numbers: self.numbers, report: self.report)
            await space.start()
            self.lockspaces[id] = .joined(space)
            self.watchDaemon()
            return membership
        } catch {
            self.lockspaces[id] = nil
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
        return (try await thread.run { calls.create(name) }.get(), false)
    }

    func leave(_ id: Lockspace.ID, isLeftBehind: Bool) async throws(LockManagerError) {
        let doing = "stop \(id)"
        let status: DLMStatus
        switch self.lockspaces[id] {
        case .joined(let space):
            self.lockspaces[id] = .changing
            status = await space.leave()
        case nil where isLeftBehind:
            self.lockspaces[id] = .changing
            status = await self.leaveLeftBehind(id.name)
        case .changing, nil:
            throw LockManagerError(.lockspaceNotFound, doing: doing)
        }
        self.lockspaces[id] = nil
        if self.lockspaces.isEmpty {
            self.watching?.cancel()
            self.watching = nil
        }
        if status != .success { throw DLMLockManager.failure(status, doing) }
    }

    private func leaveLeftBehind(_ name: String) async -> DLMStatus {
        let calls = self.calls
        return await BlockingExecutor(label: "dlm leave \(name)").run {
            switch calls.open(name) {
            case .success(let opened): calls.release(name, opened)
            case .failure(let failure): failure.status
            }
        }
    }

    // MARK: Loss

    private func watchDaemon() {
        guard self.watching == nil else { return }
        self.watching = self.watch.begin { [weak self] in
            Task { await self?.daemonEnded() }
        }
    }

    private func daemonEnded() async {
        self.watching = nil
        for case .joined(let space) in self.lockspaces.values {
            await space.lose(reason: "dlm_controld has ended; this host has to be restarted")
        }
    }
}
