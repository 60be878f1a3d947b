/// The locks of this host: the entry for whoever embeds Holdfast.
///
/// A service knows one or more lock managers and joins lockspaces with them. Callers in the same
/// process use ``join(_:options:)`` and ``JoinedLockspace/withLock(_:_:deadline:_:)``; a server
/// hands on the actions of its clients with ``submit(_:from:reply:)``.
///
/// The service and everything below it run on one serial executor. A server passes that of its
/// event loop, and then an action that meets nobody in its way is answered before `submit` returns.
public actor LockService {
    /// What a service is made with.
    public struct Configuration: Sendable {
        /// Where the service runs; nil for a queue of its own.
        public var executor: (any SerialExecutor)?
        /// The clock.
        public var time: any TimeSource
        /// A lock manager that counts as in use for the global lock before anyone names it.
        public var globalLockKind: LockManagerKind?
        /// The host number to join with where a request names none.
        public var hostID: UInt32?

        /// Describes a service.
        public init(
            executor: (any SerialExecutor)? = nil, time: any TimeSource = SystemTime(),
            globalLockKind: LockManagerKind? = nil, hostID: UInt32? = nil
        ) {
            self.executor = executor
            self.time = time
            self.globalLockKind = globalLockKind
            self.hostID = hostID
        }
    }

    /// An action that has no reply yet.
    final class Pending {
        let action: Action
        let client: ClientRecord
        let reply: @Sendable (Reply) -> Void
        /// Where the action is, once it has reached a lockspace.
        var runner: LockspaceRunner?
        /// The action it is a part of, for one that takes several global locks.
        let whole: ActionID?

        init(
            _ action: Action, _ client: ClientRecord, whole: ActionID? = nil,
            reply: @escaping @Sendable (Reply) -> Void
        ) {
            self.action = action
            self.client = client
            self.whole = whole
            self.reply = reply
        }
    }

    final class ClientRecord {
        var client: Client
        /// Actions without a reply: a few at most.
        var actions: [ActionID] = []
        var isClosed = false
        /// Lockspaces where the client may have locks.
        var runners: [LockspaceRunner] = []
        /// Called when a lock of the client is lost or wanted by another host.
        var watch: (@Sendable (Lease.News) -> Void)?
        /// The client gave up before its action arrived.
        var isCancelled = false

        init(_ client: Client) {
            self.client = client
        }
    }

    nonisolated let executor: any SerialExecutor
    /// The executor that the configuration names.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.executor.asUnownedSerialExecutor()
    }

    /// What happens in the service, for one reader. The oldest are dropped if nobody reads.
    public nonisolated let events: AsyncStream<LockEvent>
    let eventSink: AsyncStream<LockEvent>.Continuation

    let managers: [any LockManager]
    let time: any TimeSource
    let hostID: UInt32?
    var globalLock: GlobalLockMachine
    /// Lockspaces of volume groups, by the volume group's name.
    var runners: [String: LockspaceRunner] = [:]
    /// Lockspaces that exist for a global lock.
    var globalRunners: [LockManagerKind: LockspaceRunner] = [:]
    /// Lockspaces that have ended and are still listed.
    var ended: [LockspaceRunner] = []
    var clients: [Client.ID: ClientRecord] = [:]
    var pending: [ActionID: Pending] = [:]
    /// Requests for several global locks.
    var combined: [ActionID: CombinedGlobalLock] = [:]
    /// Actions that wait until no lockspace is starting, or until all have stopped.
    var startWaiters: [ActionID] = []
    var stopWaiters: [ActionID] = []
    var stopObservers: [CheckedContinuation<Void, Never>] = []

    private var lastAction: UInt64 = 0
    private var lastClient: UInt32 = 0
    private var lastRunner: UInt64 = 0
    private var lastTask: UInt64 = 0
    private var lastEndedTask: UInt64 = 0
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var readers: Set<LockManagerKind> = []

    /// Makes a service on these lock managers, in the order in which their global locks are taken.
    public init(managers: [any LockManager], configuration: Configuration = Configuration()) {
        let kinds = managers.map(\.kind)
        precondition(Set(kinds).count == kinds.count, "two lock managers of one kind: \(kinds)")
        self.executor = configuration.executor ?? DispatchQueueExecutor(label: "holdfast.service")
        self.managers = managers
        self.time = configuration.time
        self.hostID = configuration.hostID
        self.globalLock = GlobalLockMachine(
            managers: managers.map {
                GlobalLockMachine.Manager(kind: $0.kind, placement: $0.capabilities.globalLock)
            },
            inUse: configuration.globalLockKind)
        (self.events, self.eventSink) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(Limits.eventsKept))
    }

    // MARK: Clients

    /// Admits a client. Close it when its connection ends.
    public func openClient(processID: Int32 = 0, name: String = "") -> Client.ID {
        self.lastClient &+= 1
        let id = Client.ID(self.lastClient)
        self.clients[id] = ClientRecord(Client(id: id, processID: processID, name: name))
        return id
    }

    /// The client has told its command's name.
    public func nameClient(_ id: Client.ID, _ name: String) {
        self.clients[id]?.client.name = name
    }

    /// The client is gone: its requests are dropped and its transient locks released.
    public func closeClient(_ id: Client.ID) {
        guard let record = self.clients.removeValue(forKey: id) else { return }
        record.isClosed = true
        for action in record.actions { self.pending[action] = nil }
        self.stopWaiters.removeAll { record.actions.contains($0) }
        self.combined = self.combined.filter { $0.value.client != id }
        for runner in record.runners {
            runner.clientVanished(id, on: self)
        }
    }

    /// The reply to this action could not be delivered: a logical volume's lock that it granted is
    /// released again, for the command will not activate the volume.
    public func replyLost(_ action: Action, of client: Client.ID) {
        guard case .lock(.logicalVolume(let volume), _, _) = action.operation else { return }
        self.runners[action.volumeGroup]?.replyLost(
            .logicalVolume(volume.uuid), of: client, on: self)
    }

    // MARK: Actions

    /// Takes an action. `reply` is called exactly once, on the service's executor, perhaps before
    /// this returns; never after the client was closed.
    public func submit(
        _ action: Action, from client: Client.ID, reply: @escaping @Sendable (Reply) -> Void
    ) {
        guard let record = self.clients[client] else { return }
        guard !record.isCancelled else { return reply(Reply(.cancelled)) }
        let pending = Pending(action, record, reply: reply)
        let id = self.remember(pending)
        if let kind = action.kind, !self.globalLock.used(kind) {
            let message = "no lock manager of kind \(kind) is part of this service"
            return self.answer(id, Reply(.notSupported, message: message))
        }
        self.dispatch(action, id, pending, from: client)
    }

    /// Gives an action its number and remembers it until it is answered.
    func remember(_ pending: Pending) -> ActionID {
        self.lastAction &+= 1
        let id = ActionID(self.lastAction)
        pending.client.actions.append(id)
        self.pending[id] = pending
        return id
    }

    /// Hands the action to whoever knows what to do with it.
    private func dispatch(
        _ action: Action, _ id: ActionID, _ pending: Pending, from client: Client.ID
    ) {
        switch action.operation {
        case .lock(.global, _, _), .unlock(.global):
            self.globalLockRequested(action, id, from: client)
        case .lock, .unlock, .update, .queryLock, .freeVolumeGroup, .freeLogicalVolume, .busy,
            .kill, .drop, .renameBefore, .findFreeLease, .simulateRemoteLock:
            self.forwardToVolumeGroup(action, id, pending)
        case .changeArgumentsBefore(let request):
            self.run { await self.argumentsChangeRequested(request, action, id, pending) }
        case .enableGlobalLock, .disableGlobalLock:
            self.globalLockSwitchRequested(action, id, from: client)
        case .start(let lockspace):
            self.start(lockspace, action, id)
        case .stop:
            self.stop(action, id, from: client)
        case .startWait:
            self.startWaiters.append(id)
            self.answerStartWaiters()
        case .stopAll:
            self.stopAll(action, id)
        case .quit:
            self.answer(id, self.isInUse ? Reply(.lockspaceBusy) : .done)
        case .initialiseVolumeGroup, .initialiseLogicalVolume, .renameFinal,
            .changeArgumentsFinal, .runningManager, .volumeGroupStatus, .refreshLogicalVolume:
            self.run { await self.carryOut(action, id) }
        }
    }

    /// Hands an action to the lockspace of its volume group.
    func forwardToVolumeGroup(_ action: Action, _ id: ActionID, _ pending: Pending) {
        guard let runner = self.runners[action.volumeGroup] else {
            return self.answer(id, Reply(.lockspaceNotFound))
        }
        self.forward(action, id, pending, to: runner)
    }

    /// Hands an action to a lockspace.
    func forward(
        _ action: Action, _ id: ActionID, _ pending: Pending, to runner: LockspaceRunner,
        waitsForStart: Bool = false
    ) {
        pending.runner = runner
        let record = pending.client
        if !record.runners.contains(where: { $0 === runner }) { record.runners.append(runner) }
        runner.receive(
            action, id, from: record.client.id, waitsForStart: waitsForStart, on: self)
    }

    // MARK: Replies

    /// Answers an action. `runner` is the lockspace that it went through, if it did.
    func answer(_ id: ActionID, _ reply: consuming Reply, from runner: LockspaceRunner? = nil) {
        guard let pending = self.pending.removeValue(forKey: id) else { return }
        pending.client.actions.removeAll { $0 == id }
        reply.kind = pending.action.kind ?? (pending.runner == nil ? nil : runner?.id.kind)
        if reply.error == .globalLockDisabled { reply.error = .lockspaceNotFound }
        if self.globalLock.wasRemoved { reply.notes.insert(.globalLockRemoved) }
        if let runner, reply.error == nil, self.globalLock.isDuplicate(runner.id),
            case .lock(let target, _, _) = pending.action.operation
        {
            reply.notes.insert(.duplicateGlobalLock)
            if target == .global || target == .volumeGroup { self.checkDuplicate(runner.id) }
        }
        if let whole = pending.whole {
            self.combinedGlobalLockAnswered(whole, reply, from: runner)
        } else if reply.error == .lockspaceNotFound {
            self.explainMissing(pending, reply)
        } else {
            pending.reply(reply)
        }
    }

    /// Adds what a client needs to know to go on without a lockspace.
    private func explainMissing(_ pending: Pending, _ reply: Reply) {
        var reply = reply
        reply.notes.formUnion(
            self.globalLock.notesForMissing(
                pending.action.kind, lockspaces: self.listed.map(\.id)))
        guard reply.notes.contains(.noManagerInUse) else { return pending.reply(reply) }
        self.run {
            if await self.runningManagers().isEmpty { reply.notes.insert(.noManager) }
            guard !pending.client.isClosed else { return }
            pending.reply(reply)
        }
    }

    /// The managers whose own service runs on this host.
    func runningManagers() async -> [LockManagerKind] {
        var running: [LockManagerKind] = []
        for manager in self.managers where await manager.isRunning() {
            running.append(manager.kind)
        }
        return running
    }

    // MARK: Tasks

    /// The one place that starts tasks.
    func run(_ work: @escaping () async -> Void) {
        self.lastTask += 1
        let id = self.lastTask
        let task = Task.immediate {
            await work()
            self.tasks[id] = nil
            self.lastEndedTask = id
        }
        if self.lastEndedTask != id { self.tasks[id] = task }
    }

    /// Ends everything that goes on in the background. Call it last, before the executor ends;
    /// lockspaces stay joined.
    public func shutDown() async {
        for runner in self.listed { await runner.shutDown(on: self) }
        let tasks = self.tasks.values
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Reads the manager's events from the first lockspace on, as long as the service lives.
    func readEvents(of manager: any LockManager) {
        guard self.readers.insert(manager.kind).inserted else { return }
        self.run {
            for await event in manager.events { self.managerReported(event) }
        }
    }

    func nextRunnerOrder() -> UInt64 {
        self.lastRunner += 1
        return self.lastRunner
    }
}
