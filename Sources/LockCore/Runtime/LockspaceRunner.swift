/// Performs what a ``LockspaceMachine`` wants done, and decides nothing.
///
/// Each call to the lock manager is a task; the machine sees to it that at most one is under way
/// for a resource. A task runs at once on the caller's thread, up to its first real suspension: a
/// manager that answers without suspending has answered before ``receive(_:_:from:waitsForStart:)``
/// returns.
actor LockspaceRunner {
    private nonisolated let executor: any SerialExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.executor.asUnownedSerialExecutor()
    }

    nonisolated let id: Lockspace.ID
    /// Tells which of two runners is the older.
    nonisolated let order: UInt64
    private(set) var machine: LockspaceMachine
    private let manager: any LockManager
    private let time: any TimeSource
    /// Kept alive by its lockspaces, as it keeps them, until they have ended.
    private let service: LockService

    private var backlog: [Effect] = []
    private var isPerforming = false
    private var timers = TimerHeap<Resource.Name>()
    private var sleepsUntil: Duration?
    private var sleeper: UInt64?
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var lastTask: UInt64 = 0
    private var lastEnded: UInt64 = 0

    init(
        _ lockspace: Lockspace, _ manager: any LockManager, _ options: JoinOptions, order: UInt64,
        time: any TimeSource, executor: any SerialExecutor, service: LockService
    ) {
        self.id = lockspace.id
        self.order = order
        self.machine = LockspaceMachine(
            lockspace, manager.capabilities, options, salt: UInt64.random(in: 0...UInt64.max))
        self.manager = manager
        self.time = time
        self.executor = executor
        self.service = service
    }

    /// The lockspace is joined and not about to be left.
    var isServing: Bool { self.machine.state == .started && !self.machine.isStopping }

    // MARK: Inputs

    func start(for action: ActionID?, waits: Bool) {
        self.perform(self.machine.start(for: action, waits: waits))
    }

    func receive(
        _ action: Action, _ id: ActionID, from client: Client.ID, waitsForStart: Bool
    ) {
        self.perform(
            self.machine.received(
                action, id, from: client, waitsForStart: waitsForStart, now: self.time.now))
    }

    func stop(_ reason: LeaveReason) {
        self.perform(self.machine.stopRequested(reason, answering: nil, now: self.time.now))
    }

    func withdraw(_ id: ActionID, _ name: Resource.Name, of client: Client.ID) {
        self.perform(self.machine.withdrawn(id, name, of: client, now: self.time.now))
    }

    func clientVanished(_ client: Client.ID) {
        self.perform(self.machine.clientVanished(client, now: self.time.now))
    }

    func replyLost(_ name: Resource.Name, of client: Client.ID) {
        self.perform(self.machine.replyLost(name, of: client, now: self.time.now))
    }

    /// Takes an event of the lock manager, unless it belongs to an older membership.
    func managerReported(_ event: LockManagerEvent) -> Bool {
        guard event.membership == self.machine.membership?.id else { return false }
        switch event.what {
        case .lost(let reason, _):
            self.perform(self.machine.membershipLost(reason: reason, now: self.time.now))
        case .wanted(let name, let grant):
            self.perform(self.machine.holdWanted(name, by: grant, now: self.time.now))
        }
        return true
    }

    // MARK: Effects

    /// Performs effects in their order. Those that come up meanwhile follow after them.
    private func perform(_ effects: [Effect]) {
        self.backlog += effects
        guard !self.isPerforming else { return }
        self.isPerforming = true
        var next = 0
        while next < self.backlog.count {
            let effect = self.backlog[next]
            next += 1
            self.perform(effect)
        }
        self.backlog.removeAll(keepingCapacity: true)
        self.isPerforming = false
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .reply(let id, var reply):
            reply.generation = self.machine.membership?.generation ?? 0
            self.service.assumeIsolated { $0.answer(id, reply, from: self) }
        case .ask(let name, let call):
            self.run(.resource(name, call))
        case .cancelAcquire(let name):
            self.run(.cancelAcquire(name))
        case .askLockspace(let call):
            self.run(.lockspace(call))
        case .wake(let name, let time):
            self.timers.set(name, at: time)
            self.sleepIfNeeded()
        case .lost(let client):
            self.service.assumeIsolated { $0.lockLost(of: client) }
        case .wanted(let client):
            self.service.assumeIsolated { $0.lockWanted(of: client) }
        case .became(let milestone):
            self.service.assumeIsolated { $0.lockspaceBecame(milestone, self) }
        case .globalLock(let enabled):
            self.service.assumeIsolated { $0.globalLockSwitched(self.id, enabled: enabled) }
        }
    }

    private enum Work {
        case resource(Resource.Name, ResourceCall)
        case lockspace(LockspaceCall)
        case cancelAcquire(Resource.Name)
        case sleep(until: Duration)
    }

    /// The one place that starts tasks.
    private func run(_ work: Work) {
        self.lastTask += 1
        let id = self.lastTask
        if case .sleep = work { self.sleeper = id }
        let task = Task.immediate {
            await self.perform(work)
            if !self.tasks.isEmpty { self.tasks[id] = nil }
            self.lastEnded = id
        }
        if self.lastEnded != id { self.tasks[id] = task }
    }

    /// Ends every task and waits for it.
    func shutDown() async {
        let tasks = self.tasks.values
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func perform(_ work: Work) async {
        switch work {
        case .resource(let name, let call):
            let answer = await self.ask(call, Resource.ID(lockspace: self.id, name: name))
            self.perform(self.machine.managerAnswered(answer, for: name, now: self.time.now))
        case .lockspace(let call):
            await self.ask(call)
        case .cancelAcquire(let name):
            await self.manager.cancelAcquire(Resource.ID(lockspace: self.id, name: name))
        case .sleep(let until):
            // A cancelled sleep has been replaced by another.
            guard (try? await self.time.sleep(until: until)) != nil else { return }
            self.wake()
        }
    }

    // MARK: Time

    private func sleepIfNeeded() {
        guard let earliest = self.timers.earliest else { return }
        if let until = self.sleepsUntil, until <= earliest { return }
        self.cancelSleep()
        self.sleepsUntil = earliest
        self.run(.sleep(until: earliest))
    }

    private func wake() {
        self.sleepsUntil = nil
        let now = self.time.now
        for name in self.timers.takeDue(now) {
            self.perform(self.machine.timePassed(for: name, now: now))
        }
        self.sleepIfNeeded()
    }

    private func cancelSleep() {
        if let sleeper = self.sleeper { self.tasks[sleeper]?.cancel() }
        self.sleepsUntil = nil
    }

    // MARK: Calls

    private func ask(_ call: ResourceCall, _ id: Resource.ID) async -> ResourceAnswer {
        do {
            switch call {
            case .acquire(let mode, let options, let arguments, let drives):
                let resource = Resource(id, arguments: arguments, drives: drives)
                return .outcome(.success(try await self.manager.acquire(resource, mode, options)))
            case .convert(let mode, let value):
                return .outcome(
                    .success(try await self.manager.convert(id, to: mode, writing: value)))
            case .release(let value):
                try await self.manager.release(id, writing: value)
            case .forget:
                await self.manager.forget(id)
            case .freeLease(let arguments):
                try await (self.manager as? any LeaseStore)?.freeLease(
                    Resource(id, arguments: arguments))
            case .setGlobalLock(let enabled, let exclusively):
                try await (self.manager as? any LeaseStore)?.setGlobalLock(
                    id.lockspace, enabled: enabled, exclusively: exclusively)
            case .simulateRemoteHolder(let mode):
                guard let simulator = self.manager as? any RemoteHolderSimulator else {
                    return .done(
                        LockManagerError(.notPermitted, doing: "simulate a remote holder"))
                }
                await simulator.simulateRemoteHolder(id, mode)
            }
            return .done(nil)
        } catch {
            return switch call {
            case .acquire, .convert: .outcome(.failure(error))
            default: .done(error)
            }
        }
    }

    private func ask(_ call: LockspaceCall) async {
        switch call {
        case .prepare(let options):
            let lockspace = self.machine.lockspace
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.prepare(lockspace, options)
            }
            self.perform(self.machine.prepareAnswered(answer))
        case .join(let prepared, let options):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.join(prepared, options)
            }
            self.perform(self.machine.joinAnswered(answer, now: self.time.now))
        case .leave(let reason):
            self.cancelSleep()
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.leave(self.id, reason)
            }
            self.perform(self.machine.leaveAnswered(answer.error))
        case .otherHosts(let id):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.otherHosts(in: self.id)
            }
            self.perform(self.machine.otherHostsAnswered(answer, for: id, now: self.time.now))
        case .findFreeLease(let bytes, let id):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await (self.manager as? any LeaseStore)?.findFreeLease(
                    in: self.id, volumeBytes: bytes)
            }
            self.perform(self.machine.leaseAnswered(answer.error, for: id))
        }
    }

    private static func result<Value>(
        _ call: () async throws(LockManagerError) -> Value
    ) async -> Result<Value, LockManagerError> {
        do { return .success(try await call()) } catch { return .failure(error) }
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
