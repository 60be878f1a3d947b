// Lockspaces come and go.
extension LockService {
    func manager(_ kind: LockManagerKind) -> (any LockManager)? {
        self.managers.first { $0.kind == kind }
    }

    /// All lockspaces that this host is in, or was a moment ago, the oldest first.
    var listed: [LockspaceRunner] {
        (self.ended + self.active).sorted { $0.order < $1.order }
    }

    private var active: [LockspaceRunner] { Array(self.globalRunners.values) + self.runners.values }

    /// A lockspace is joined, or about to be.
    var isInUse: Bool { !self.runners.isEmpty || !self.globalRunners.isEmpty }

    // MARK: Start

    func start(_ lockspace: Lockspace, _ action: Action, _ id: ActionID) {
        let kind = lockspace.id.kind
        guard let manager = self.manager(kind) else {
            let message = "no lock manager of kind \(kind) is part of this service"
            return self.answer(id, Reply(.notSupported, message: message))
        }
        if manager.capabilities.globalLock == .ownLockspace { _ = self.startGlobalLockspace(kind) }
        if let refusal = self.refusal(to: lockspace, manager) { return self.answer(id, refusal) }
        let options = JoinOptions(
            adopting: action.adoption, withoutDelay: action.options.contains(.noDelay),
            repairing: action.options.contains(.repair))
        var lockspace = lockspace
        lockspace.hostID = lockspace.hostID ?? self.hostID
        let runner = self.makeRunner(lockspace, manager, options)
        self.runners[lockspace.volumeGroup] = runner
        runner.start(for: id, waits: action.options.contains(.wait), on: self)
    }

    /// Why the lockspace cannot be started; nil if it can.
    private func refusal(to lockspace: Lockspace, _ manager: any LockManager) -> Reply? {
        if let refusal = self.refusal(toName: lockspace.id, manager) { return refusal }
        if let existing = self.runners[lockspace.volumeGroup] {
            if existing.machine.isStopping { return Reply(.contended, message: "still stopping") }
            return Reply(existing.machine.isStarting ? .lockspaceStarting : .lockspaceExists)
        }
        guard self.runners.count < Limits.lockspaces else {
            let message = "\(Limits.lockspaces) lockspaces are in use already"
            return Reply(.limitReached, message: message)
        }
        return nil
    }

    /// Why no volume group can have a lockspace of that name; nil if one can.
    func refusal(toName lockspace: Lockspace.ID, _ manager: any LockManager) -> Reply? {
        let longest = manager.capabilities.longestLockspaceName
        guard lockspace.name.utf8.count <= longest else {
            let limit = "\(longest) bytes, the limit of \(manager.kind)"
            return Reply(.nameTooLong, message: "\(lockspace) is longer than \(limit)")
        }
        let hasOwn = manager.capabilities.globalLock == .ownLockspace
        guard !hasOwn || lockspace != .global(kind: manager.kind) else {
            let message = "\(lockspace) is the name of the global lock's lockspace"
            return Reply(.nameCollision, message: message)
        }
        return nil
    }

    /// Starts the lockspace of a manager's global lock, unless it is there.
    func startGlobalLockspace(_ kind: LockManagerKind) -> LockspaceRunner? {
        if let runner = self.globalRunners[kind] { return runner }
        guard let manager = self.manager(kind) else { return nil }
        let lockspace = Lockspace(globalOf: kind)
        let runner = self.makeRunner(lockspace, manager, JoinOptions(adopting: .allowed))
        self.globalRunners[kind] = runner
        runner.start(for: nil, waits: false, on: self)
        return runner
    }

    private func makeRunner(
        _ lockspace: Lockspace, _ manager: any LockManager, _ options: JoinOptions
    ) -> LockspaceRunner {
        self.readEvents(of: manager)
        return LockspaceRunner(
            lockspace, manager, options, order: self.nextRunnerOrder(), service: self)
    }

    // MARK: Stop

    func stop(_ action: Action, _ id: ActionID, from client: Client.ID) {
        guard let runner = self.runners[action.volumeGroup] else {
            return self.answer(id, Reply(.lockspaceNotFound))
        }
        // The reply names no lock manager, for lvmlockd's does not.
        runner.receive(action, id, from: client, waitsForStart: false, on: self)
        guard runner.machine.isEnding else { return }
        self.stopUnusedGlobalLockspace(runner.id.kind)
    }

    /// A global lockspace goes with the last volume group of its manager.
    private func stopUnusedGlobalLockspace(_ kind: LockManagerKind) {
        guard let global = self.globalRunners[kind] else { return }
        let isUsed = self.runners.values.contains { runner in
            runner.id.kind == kind && !runner.machine.isEnding
        }
        guard !isUsed else { return }
        if !global.machine.isEnding { global.stop(.stopped, on: self) }
    }

    func stopAll(_ action: Action, _ id: ActionID) {
        self.stopUnused(force: action.options.contains(.force))
        self.ended = []
        self.forgetManagersIfUnused()
        guard self.isInUse else { return self.answer(id, Reply(content: .lockspacesLeft(0))) }
        guard action.options.contains(.wait) else {
            let left = self.active.count
            return self.answer(id, Reply(content: .lockspacesLeft(left)))
        }
        self.stopWaiters.append(id)
    }

    private func stopUnused(force: Bool = false) {
        for runner in self.active where !runner.machine.isEnding {
            if force || runner.machine.lockCount == 0 { runner.stop(.stopped, on: self) }
        }
    }

    /// Stops every lockspace without locks, waits until they have stopped, and returns those that
    /// are still in use, with their locks.
    public func stopUnused() async -> [LockspaceStatus] {
        self.stopUnused(force: false)
        while self.active.contains(where: \.machine.isStopping) {
            await withCheckedContinuation { self.stopObservers.append($0) }
        }
        return self.status().lockspaces.filter { $0.state == .starting || $0.state == .started }
    }

    // MARK: Milestones

    func lockspaceBecame(_ milestone: LockspaceMachine.Milestone, _ runner: LockspaceRunner) {
        switch milestone {
        case .prepared(let prepared):
            if prepared.carriesGlobalLock {
                self.globalLock.carrierFound(runner.id, isJoined: true)
            }
            if let longest = prepared.joinTakesUpTo {
                self.eventSink.yield(.joining(runner.id, upTo: longest))
            }
        case .started:
            self.eventSink.yield(.started(runner.id))
            self.answerStartWaiters()
            self.resumeStopObservers()
        case .failed(let error):
            self.eventSink.yield(.failed(runner.id, error))
            self.ended(runner, .dropped)
            self.answerStartWaiters()
        case .stopping:
            break
        case .stopped(let reason):
            self.eventSink.yield(.stopped(runner.id))
            self.ended(runner, reason)
        case .unused:
            self.lockspaceUnused(runner)
        }
    }

    private func ended(_ runner: LockspaceRunner, _ reason: LeaveReason) {
        self.runners = self.runners.filter { $0.value !== runner }
        self.globalRunners = self.globalRunners.filter { $0.value !== runner }
        for client in self.clients.keys {
            self.clients[client]?.runners.removeAll { $0 === runner }
        }
        self.ended.append(runner)
        self.globalLock.left(runner.id, reason, remaining: self.runners.values.map(\.id))
        self.resumeStopObservers()
        self.answerStopWaiters()
        let until = self.time.now + Limits.stoppedLockspaceStaysListed
        self.run {
            // A cancelled sleep means that the service ends, and the list with it.
            guard (try? await self.time.sleep(until: until)) != nil else { return }
            self.ended.removeAll { $0 === runner }
            self.forgetManagersIfUnused()
        }
    }

    private func resumeStopObservers() {
        let observers = self.stopObservers
        self.stopObservers = []
        for observer in observers { observer.resume() }
    }

    func forgetManagersIfUnused() {
        if !self.isInUse, self.ended.isEmpty { self.globalLock.noLockspaceLeft() }
    }

    private func lockspaceUnused(_ runner: LockspaceRunner) {
        guard !self.stopWaiters.isEmpty else { return }
        if !runner.machine.isEnding { runner.stop(.stopped, on: self) }
    }

    func answerStartWaiters() {
        guard !self.active.contains(where: \.machine.isStarting) else { return }
        let waiters = self.startWaiters
        self.startWaiters = []
        for id in waiters { self.answer(id, .done) }
    }

    private func answerStopWaiters() {
        guard !self.isInUse, !self.stopWaiters.isEmpty else { return }
        let waiters = self.stopWaiters
        self.stopWaiters = []
        self.ended = []
        self.forgetManagersIfUnused()
        for id in waiters { self.answer(id, Reply(content: .lockspacesLeft(0))) }
    }

    // MARK: Events

    func managerReported(_ event: LockManagerEvent) {
        guard let runner = self.active.first(where: { $0.id == event.lockspace }),
            runner.managerReported(event, on: self)
        else { return }
        switch event.what {
        case .lost(let reason, let certainFor):
            let lockspace = runner.machine.lockspace
            self.eventSink.yield(.lost(lockspace, reason: reason, certainFor: certainFor))
        case .wanted(let name, _):
            self.eventSink.yield(.wanted(Resource.ID(lockspace: runner.id, name: name)))
        }
    }
}
