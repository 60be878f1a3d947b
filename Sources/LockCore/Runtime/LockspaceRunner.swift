/// Performs what a ``LockspaceMachine`` wants done, and decides nothing.
///
/// Each call to the lock manager is a task; the machine sees to it that at most one is under way
/// for a resource. A task runs at once on the caller's thread, up to its first real suspension: a
/// manager that answers without suspending has answered before
/// ``receive(_:_:from:waitsForStart:on:)`` returns.
///
/// A runner belongs to its service and runs in the service's isolation: what may have effects takes
/// the service as a parameter, and a request passes from one to the other by a plain call.
final class LockspaceRunner {
    let id: Lockspace.ID
    /// Tells which of two runners is the older.
    let order: UInt64
    private(set) var machine: LockspaceMachine
    private let manager: any LockManager
    private let time: any TimeSource
    /// Kept alive by its lockspaces, as it keeps them, until they have ended.
    private let service: LockService

    /// What came up while other effects were performed.
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
        service: isolated LockService
    ) {
        self.id = lockspace.id
        self.order = order
        self.machine = LockspaceMachine(
            lockspace, manager.capabilities, options, salt: UInt64.random(in: 0...UInt64.max))
        self.manager = manager
        self.time = service.time
        self.service = service
    }

    /// The lockspace is joined and not about to be left.
    var isServing: Bool { self.machine.state == .started && !self.machine.isStopping }

    // MARK: Inputs

    func start(for action: ActionID?, waits: Bool, on service: isolated LockService) {
        self.perform(self.machine.start(for: action, waits: waits), on: service)
    }

    func receive(
        _ action: Action, _ id: ActionID, from client: Client.ID, waitsForStart: Bool,
        on service: isolated LockService
    ) {
        let effects = self.machine.received(
            action, id, from: client, waitsForStart: waitsForStart, now: self.time.now)
        self.perform(effects, on: service)
    }

    func stop(_ reason: LeaveReason, on service: isolated LockService) {
        let effects = self.machine.stopRequested(reason, answering: nil, now: self.time.now)
        self.perform(effects, on: service)
    }

    func withdraw(
        _ id: ActionID, _ name: Resource.Name, of client: Client.ID,
        on service: isolated LockService
    ) {
        self.perform(self.machine.withdrawn(id, name, of: client, now: self.time.now), on: service)
    }

    func clientVanished(_ client: Client.ID, on service: isolated LockService) {
        self.perform(self.machine.clientVanished(client, now: self.time.now), on: service)
    }

    func replyLost(
        _ name: Resource.Name, of client: Client.ID, on service: isolated LockService
    ) {
        self.perform(self.machine.replyLost(name, of: client, now: self.time.now), on: service)
    }

    /// Takes an event of the lock manager, unless it belongs to an older membership.
    func managerReported(_ event: LockManagerEvent, on service: isolated LockService) -> Bool {
        guard event.membership == self.machine.membership?.id else { return false }
        switch event.what {
        case .lost(let reason, _):
            let effects = self.machine.membershipLost(reason: reason, now: self.time.now)
            self.perform(effects, on: service)
        case .wanted(let name, let grant):
            let effects = self.machine.holdWanted(name, by: grant, now: self.time.now)
            self.perform(effects, on: service)
        }
        return true
    }

    // MARK: Effects

    /// Performs effects in their order. Those that come up meanwhile follow after them.
    private func perform(_ effects: [Effect], on service: isolated LockService) {
        guard !effects.isEmpty else { return }
        guard !self.isPerforming else {
            self.backlog = self.backlog.isEmpty ? effects : self.backlog + effects
            return
        }
        self.isPerforming = true
        for effect in effects { self.perform(effect, on: service) }
        while !self.backlog.isEmpty {
            let later = self.backlog
            self.backlog = []
            for effect in later { self.perform(effect, on: service) }
        }
        self.isPerforming = false
    }

    private func perform(_ effect: Effect, on service: isolated LockService) {
        switch effect {
        case .reply(let id, var reply):
            reply.generation = self.machine.generation
            service.answer(id, reply, from: self)
        case .ask(let name, let call):
            self.run(.resource(name, call), on: service)
        case .cancelAcquire(let name):
            self.run(.cancelAcquire(name), on: service)
        case .askLockspace(let call):
            self.run(.lockspace(call), on: service)
        case .wake(let name, let time):
            self.timers.set(name, at: time)
            self.sleepIfNeeded(on: service)
        case .lost(let client):
            service.lockLost(of: client)
        case .wanted(let client):
            service.lockWanted(of: client)
        case .became(let milestone):
            service.lockspaceBecame(milestone, self)
        case .globalLock(let enabled):
            service.globalLockSwitched(self.id, enabled: enabled)
        }
    }

    private enum Work {
        case resource(Resource.Name, ResourceCall)
        case lockspace(LockspaceCall)
        case cancelAcquire(Resource.Name)
        case sleep(until: Duration)
    }

    /// The one place that starts tasks.
    private func run(_ work: Work, on service: isolated LockService) {
        self.lastTask += 1
        let id = self.lastTask
        if case .sleep = work { self.sleeper = id }
        let task = Task.immediate {
            switch work {
            case .resource(let name, let call):
                let id = Resource.ID(lockspace: self.id, name: name)
                var next: ResourceCall? = call
                while let call = next {
                    next = self.answered(await self.ask(call, id), for: name, on: service)
                }
            case .lockspace(let call):
                await self.ask(call, on: service)
            case .cancelAcquire(let name):
                await self.manager.cancelAcquire(Resource.ID(lockspace: self.id, name: name))
            case .sleep(let until):
                // A cancelled sleep has been replaced by another.
                if (try? await self.time.sleep(until: until)) != nil { self.wake(on: service) }
            }
            if !self.tasks.isEmpty { self.tasks[id] = nil }
            self.lastEnded = id
        }
        if self.lastEnded != id { self.tasks[id] = task }
    }

    /// Ends every task and waits for it.
    func shutDown(on service: isolated LockService) async {
        let tasks = self.tasks.values
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Takes an answer in, and returns what is to be asked about the resource next: the task that
    /// brought the answer goes on with it.
    ///
    /// On its own, as everything that does not suspend, to keep the task's frame small.
    @inline(never)
    private func answered(
        _ answer: ResourceAnswer, for name: Resource.Name, on service: isolated LockService
    ) -> ResourceCall? {
        var effects = self.machine.managerAnswered(answer, for: name, now: self.time.now)
        var next: ResourceCall?
        if case .ask(name, let call) = effects.last {
            next = call
            effects.removeLast()
        }
        self.perform(effects, on: service)
        return next
    }

    // MARK: Time

    private func sleepIfNeeded(on service: isolated LockService) {
        guard let earliest = self.timers.earliest else { return }
        if let until = self.sleepsUntil, until <= earliest { return }
        self.cancelSleep()
        self.sleepsUntil = earliest
        self.run(.sleep(until: earliest), on: service)
    }

    private func wake(on service: isolated LockService) {
        self.sleepsUntil = nil
        let now = self.time.now
        for name in self.timers.takeDue(now) {
            self.perform(self.machine.timePassed(for: name, now: now), on: service)
        }
        self.sleepIfNeeded(on: service)
    }

    private func cancelSleep() {
        if let sleeper = self.sleeper { self.tasks[sleeper]?.cancel() }
        self.sleepsUntil = nil
    }

    // MARK: Calls

    private func ask(_ call: ResourceCall, _ id: Resource.ID) async -> ResourceAnswer {
        switch call {
        case .acquire(let mode, let options, let arguments, let drives):
            let resource = Resource(id, arguments: arguments, drives: drives)
            do {
                return .outcome(.success(try await self.manager.acquire(resource, mode, options)))
            } catch {
                return .outcome(.failure(error))
            }
        case .convert(let mode, let value):
            do {
                return .outcome(
                    .success(try await self.manager.convert(id, to: mode, writing: value)))
            } catch {
                return .outcome(.failure(error))
            }
        case .release(let value):
            do {
                try await self.manager.release(id, writing: value)
                return .done(nil)
            } catch {
                return .done(error)
            }
        case .forget:
            await self.manager.forget(id)
            return .done(nil)
        case .freeLease, .setGlobalLock, .simulateRemoteHolder:
            return .done(await self.askForMore(call, id))
        }
    }

    /// Asks for what not every lock manager can do; returns how it failed.
    private func askForMore(
        _ call: ResourceCall, _ id: Resource.ID
    ) async -> LockManagerError? {
        do {
            switch call {
            case .freeLease(let arguments):
                try await (self.manager as? any LeaseStore)?.freeLease(
                    Resource(id, arguments: arguments))
            case .setGlobalLock(let enabled, let exclusively):
                try await (self.manager as? any LeaseStore)?.setGlobalLock(
                    id.lockspace, enabled: enabled, exclusively: exclusively)
            case .simulateRemoteHolder(let mode):
                guard let simulator = self.manager as? any RemoteHolderSimulator else {
                    return LockManagerError(.notPermitted, doing: "simulate a remote holder")
                }
                await simulator.simulateRemoteHolder(id, mode)
            case .acquire, .convert, .release, .forget:
                preconditionFailure("every lock manager can \(call)")
            }
            return nil
        } catch {
            return error
        }
    }

    private func ask(_ call: LockspaceCall, on service: isolated LockService) async {
        switch call {
        case .prepare(let options):
            let lockspace = self.machine.lockspace
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.prepare(lockspace, options)
            }
            self.perform(self.machine.prepareAnswered(answer), on: service)
        case .join(let prepared, let options):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.join(prepared, options)
            }
            self.perform(self.machine.joinAnswered(answer, now: self.time.now), on: service)
        case .leave(let reason):
            self.cancelSleep()
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.leave(self.id, reason)
            }
            self.perform(self.machine.leaveAnswered(answer.error), on: service)
        case .otherHosts(let id):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await self.manager.otherHosts(in: self.id)
            }
            let effects = self.machine.otherHostsAnswered(answer, for: id, now: self.time.now)
            self.perform(effects, on: service)
        case .findFreeLease(let bytes, let id):
            let answer = await Self.result { () async throws(LockManagerError) in
                try await (self.manager as? any LeaseStore)?.findFreeLease(
                    in: self.id, volumeBytes: bytes)
            }
            self.perform(self.machine.leaseAnswered(answer.error, for: id), on: service)
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
