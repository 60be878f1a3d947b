public import LockCore

/// Serves one lock manager over a stream: the agent's side of the conversation.
public actor AgentServer {
    private let manager: any LockManager
    private let stream: AgentStream
    private var calls: [UInt64: Task<Void, Never>] = [:]
    private var events: Task<Void, Never>?

    private init(_ manager: any LockManager, _ stream: AgentStream) {
        self.manager = manager
        self.stream = stream
    }

    /// Serves until the stream ends. Calls that are under way then are cancelled, and nobody waits
    /// for them.
    public static func serve(_ manager: any LockManager, on stream: AgentStream) async {
        await AgentServer(manager, stream).run()
    }

    private func run() async {
        for await message in self.stream.messages {
            switch message {
            case .hello: self.welcome()
            case .call(let number, let call): self.start(number, call)
            case .welcome, .answer, .failure, .event: self.stream.end()
            }
        }
        self.events?.cancel()
        for call in self.calls.values { call.cancel() }
    }

    private func welcome() {
        self.stream.send(
            .welcome(
                version: AgentMessage.version, self.manager.kind, self.manager.capabilities))
        guard self.events == nil else { return }
        let (events, stream) = (self.manager.events, self.stream)
        self.events = Task {
            for await event in events { stream.send(.event(event)) }
        }
    }

    /// Begins the call before the next message is read, so that what cancels it comes after it.
    private func start(_ number: UInt64, _ call: AgentCall) {
        let task = Task.immediate {
            do throws(LockManagerError) {
                self.stream.send(.answer(number, try await self.perform(call)))
            } catch {
                self.stream.send(.failure(number, error))
            }
            self.calls[number] = nil
        }
        // A call that never suspended is over already; there is nothing to cancel.
        self.calls[number] = task
    }

    private func perform(_ call: AgentCall) async throws(LockManagerError) -> [UInt8] {
        var answer = WireWriter()
        try await self.perform(call, &answer)
        return answer.bytes
    }

    private func perform(
        _ call: AgentCall, _ answer: inout WireWriter
    ) async throws(LockManagerError) {
        let manager = self.manager
        switch call {
        case .isRunning: answer.write(await manager.isRunning())
        case .initialise(let request): answer.write(try await manager.initialise(request))
        case .prepare(let lockspace, let options):
            answer.write(try await manager.prepare(lockspace, options))
        case .join(let prepared, let options):
            answer.write(try await manager.join(prepared, options))
        case .leave(let id, let reason): try await manager.leave(id, reason)
        case .otherHosts(let id): answer.write(try await manager.otherHosts(in: id))
        case .localHost(let id): answer.write(try await manager.localHost(in: id))
        case .leftBehind: answer.write(try await manager.leftBehind())
        case .acquire(let resource, let mode, let options):
            answer.write(try await manager.acquire(resource, mode, options))
        case .cancelAcquire(let id): await manager.cancelAcquire(id)
        case .convert(let id, let mode, let value):
            answer.write(try await manager.convert(id, to: mode, writing: value))
        case .release(let id, let value): try await manager.release(id, writing: value)
        case .forget(let id): await manager.forget(id)
        case .holders(let resource): answer.write(try await manager.holders(of: resource))
        case .purgeOrphans(let id): try await manager.purgeOrphans(in: id)
        case .refresh(let path):
            guard let refresher = manager as? any VolumeRefresher else {
                throw LockManagerError(.notSupported, doing: "refresh \(path)")
            }
            try await refresher.refresh(path: path)
        case .allocateLease, .freeLease, .findFreeLease, .renameLeases, .carriesGlobalLock,
            .setGlobalLock, .supports, .changeArguments:
            guard let store = manager as? any LeaseStore else {
                throw LockManagerError(.notSupported, doing: "change leases")
            }
            try await Self.perform(call, with: store, &answer)
        }
    }

    private static func perform(
        _ call: AgentCall, with store: any LeaseStore, _ answer: inout WireWriter
    ) async throws(LockManagerError) {
        switch call {
        case .allocateLease(let request): answer.write(try await store.allocateLease(request))
        case .freeLease(let resource): try await store.freeLease(resource)
        case .findFreeLease(let id, let bytes):
            try await store.findFreeLease(in: id, volumeBytes: bytes)
        case .renameLeases(let request): try await store.renameLeases(request)
        case .carriesGlobalLock(let id): answer.write(try await store.carriesGlobalLock(id))
        case .setGlobalLock(let id, let enabled, let exclusively):
            try await store.setGlobalLock(id, enabled: enabled, exclusively: exclusively)
        case .supports(let request): answer.write(await store.supports(request))
        case .changeArguments(let request):
            answer.write(try await store.changeArguments(request))
        default: preconditionFailure("\(call) is no call about leases")
        }
    }
}
