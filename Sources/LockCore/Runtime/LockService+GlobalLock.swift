/// A request for the global lock that takes several: those of all managers in use, one after the
/// other, all or none.
struct CombinedGlobalLock {
    var action: Action
    var client: Client.ID
    /// Still to ask, the next one first.
    var remaining: [LockspaceRunner]
    /// Those that granted.
    var taken: [LockspaceRunner] = []
    /// The reply that the client will get.
    var reply: Reply?
}

// Where the global lock is taken, and how several are taken as one.
extension LockService {
    func globalLockRequested(_ action: Action, _ id: ActionID, from client: Client.ID) {
        let places = self.globalLock.places
        guard places.isEmpty || places.contains(where: \.isUnknown) else {
            return self.takeGlobalLock(action, id, from: client)
        }
        self.run {
            await self.lookForGlobalLock()
            guard self.pending[id] != nil else { return }
            // As in lvmlockd, a manager that was to be used by default is not in use after all.
            if action.kind == nil, self.globalLock.places.allSatisfy(\.isUnknown) {
                self.forgetManagersIfUnused()
            }
            self.takeGlobalLock(action, id, from: client)
        }
    }

    /// Finds out which manager is in use, if only one runs, and which volume groups carry a global
    /// lock.
    private func lookForGlobalLock() async {
        if self.globalLock.inUse.isEmpty {
            let running = await self.runningManagers()
            if running.count == 1 { self.globalLock.used(running[0]) }
        }
        for case .unknown(let kind) in self.globalLock.places {
            guard let store = self.manager(kind) as? any LeaseStore else { continue }
            for runner in self.runners.values where runner.id.kind == kind {
                guard runner.isServing else { continue }
                guard await self.carriesGlobalLock(runner.id, store) else { continue }
                self.globalLock.carrierFound(runner.id, isJoined: true)
                break
            }
        }
    }

    private func carriesGlobalLock(
        _ lockspace: Lockspace.ID, _ store: any LeaseStore
    ) async -> Bool {
        do {
            return try await store.carriesGlobalLock(lockspace)
        } catch {
            self.eventSink.yield(.managerFailed(error))
            return false
        }
    }

    private func takeGlobalLock(_ action: Action, _ id: ActionID, from client: Client.ID) {
        let isLock = if case .lock = action.operation { true } else { false }
        var targets: [(runner: LockspaceRunner, isNew: Bool)] = []
        for place in self.globalLock.places {
            switch place {
            case .ownLockspace(let lockspace):
                if let runner = self.globalRunners[lockspace.kind] {
                    targets.append((runner, false))
                } else if isLock, let runner = self.startGlobalLockspace(lockspace.kind) {
                    targets.append((runner, true))
                }
            case .volumeGroup(let lockspace):
                if let runner = self.runners.values.first(where: { $0.id == lockspace }) {
                    targets.append((runner, false))
                }
            case .unknown: break
            }
        }
        let isThere = action.kind.map { kind in targets.contains { $0.runner.id.kind == kind } }
        guard isThere ?? !targets.isEmpty else {
            return self.answer(id, Reply(.lockspaceNotFound, message: "no global lock to take"))
        }
        var part = action
        part.kind = nil
        if targets.count == 1, let pending = self.pending[id] {
            return self.forward(
                part, id, pending, to: targets[0].runner, waitsForStart: targets[0].isNew)
        }
        self.combined[id] = CombinedGlobalLock(
            action: part, client: client, remaining: targets.map(\.runner))
        self.takeNextGlobalLock(id)
    }

    private func takeNextGlobalLock(_ whole: ActionID) {
        guard var request = self.combined[whole] else { return }
        guard !request.remaining.isEmpty else {
            self.combined[whole] = nil
            return self.answer(whole, request.reply ?? .done, from: request.taken.first)
        }
        let runner = request.remaining.removeFirst()
        self.combined[whole] = request
        guard let record = self.clients[request.client] else { return }
        let part = Pending(request.action, record, whole: whole, reply: { _ in })
        self.forward(
            request.action, self.remember(part), part, to: runner, waitsForStart: true)
    }

    func combinedGlobalLockAnswered(
        _ whole: ActionID, _ reply: Reply, from runner: LockspaceRunner?
    ) {
        guard var request = self.combined[whole] else { return }
        let isLock = if case .lock = request.action.operation { true } else { false }
        let isFine = reply.error == nil || reply.error == .alreadyHeld
        if isFine, let runner { request.taken.append(runner) }
        // An unlock goes on whatever happens, and has succeeded if anything was unlocked.
        if isFine || !isLock {
            if request.reply == nil || request.reply?.error != nil { request.reply = reply }
            self.combined[whole] = request
            return self.takeNextGlobalLock(whole)
        }
        self.combined[whole] = nil
        for runner in request.taken {
            guard let record = self.clients[request.client] else { break }
            let action = Action(.unlock(.global))
            let part = Pending(action, record, reply: { _ in })
            self.forward(action, self.remember(part), part, to: runner)
        }
        self.answer(whole, reply, from: runner)
    }

    func globalLockSwitchRequested(_ action: Action, _ id: ActionID, from client: Client.ID) {
        let named = self.runners[action.volumeGroup]
        let placement = named.flatMap { self.manager($0.id.kind)?.capabilities.globalLock }
        // A global lock in a lockspace of its own says itself that it cannot be switched.
        let own = placement == .inVolumeGroup ? nil : self.globalRunners.values.first
        guard let runner = own ?? named else {
            return self.answer(id, Reply(.lockspaceNotFound))
        }
        if action.operation == .enableGlobalLock, !self.globalLock.mayEnable(runner.id.kind) {
            self.pending[id]?.runner = runner
            let message = "another volume group carries the global lock: disable it there first"
            return self.answer(id, Reply(.invalidRequest, message: message), from: runner)
        }
        if let pending = self.pending[id] { self.forward(action, id, pending, to: runner) }
    }

    /// While several volume groups carry a global lock, looks whether another host has disabled
    /// this one's.
    func checkDuplicate(_ lockspace: Lockspace.ID) {
        guard let store = self.manager(lockspace.kind) as? any LeaseStore else { return }
        self.run {
            do throws(LockManagerError) {
                if try await store.carriesGlobalLock(lockspace) { return }
                self.globalLock.switched(lockspace, enabled: false)
            } catch {
                self.eventSink.yield(.managerFailed(error))
            }
        }
    }

    func globalLockSwitched(_ lockspace: Lockspace.ID, enabled: Bool) {
        self.globalLock.switched(lockspace, enabled: enabled)
    }
}
