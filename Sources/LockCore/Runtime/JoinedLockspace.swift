/// Which lock of a volume group is meant.
public enum LockTarget: Hashable, Sendable {
    /// The volume group's lock.
    case volumeGroup
    /// A logical volume's lock, by the volume's UUID; with its lock arguments where its lock
    /// manager keeps leases, or its drives where it keeps locks in drives.
    case logicalVolume(String, arguments: String = "", drives: [String] = [])

    var target: Action.Target {
        switch self {
        case .volumeGroup: .volumeGroup
        case .logicalVolume(let uuid, let arguments, let drives):
            .logicalVolume(LogicalVolume(uuid: uuid, arguments: arguments, drives: drives))
        }
    }
}

/// A lockspace that this host is in: the handle through which callers in this process take locks.
public struct JoinedLockspace: Sendable {
    /// Which lockspace.
    public let id: Lockspace.ID
    let volumeGroup: String
    let service: LockService

    /// Runs the body while this caller has the lock, and lets go of it however the body ends.
    ///
    /// Waits for others until the deadline, without one for ever; cancelling the task ends the
    /// wait. If the lock is lost while the body runs, the body is cancelled and the scope throws
    /// ``LockErrorCode/lockLost``. The body runs in a task of its own, so that it can be cancelled
    /// without its caller.
    public func withLock<Value: Sendable>(
        _ target: LockTarget, _ mode: LockMode, deadline: ContinuousClock.Instant? = nil,
        _ body: @escaping @Sendable (Lease) async throws -> Value
    ) async throws -> Value {
        try await self.acquire(target, mode, deadline: deadline).hold(body)
    }

    /// Takes the lock, waiting until the deadline. The caller has to let go of it with
    /// ``Lease/release()``: a lease that is dropped keeps its lock as long as the service lives.
    public func acquire(
        _ target: LockTarget, _ mode: LockMode, deadline: ContinuousClock.Instant? = nil
    ) async throws(LockError) -> Lease {
        let waits = deadline.map { max(.zero, $0 - .now) }
        return try await self.service.acquire(
            target.target, mode, in: self.volumeGroup, waits: .some(waits))
    }

    /// Takes the lock if nobody is in the way; nil if somebody is.
    public func tryAcquire(
        _ target: LockTarget, _ mode: LockMode
    ) async throws(LockError) -> Lease? {
        do throws(LockError) {
            return try await self.service.acquire(
                target.target, mode, in: self.volumeGroup, waits: nil)
        } catch {
            if error.code == .contended { return nil }
            throw error
        }
    }

    /// Leaves the lockspace. Fails while logical volumes are locked, unless forced.
    public func leave(force: Bool = false) async throws(LockError) {
        let options: Action.Options = force ? .force : []
        try await self.service.perform(
            Action(.stop, volumeGroup: self.volumeGroup, options: options))
    }
}

extension LockService {
    /// Joins a lockspace; returns when this host is a member. May take minutes.
    public func join(
        _ lockspace: Lockspace, options: Action.Options = []
    ) async throws(LockError) -> JoinedLockspace {
        try await self.perform(
            Action(
                .start(lockspace), volumeGroup: lockspace.volumeGroup, kind: lockspace.id.kind,
                options: options.union(.wait)))
        return JoinedLockspace(
            id: lockspace.id, volumeGroup: lockspace.volumeGroup, service: self)
    }

    /// The volume group's lockspace, if this host is in it.
    public func joinedLockspace(of volumeGroup: String) -> JoinedLockspace? {
        guard let runner = self.runners[volumeGroup],
            runner.isServing
        else { return nil }
        return JoinedLockspace(id: runner.id, volumeGroup: volumeGroup, service: self)
    }

    /// Runs the body while this caller has the global lock: those of all managers in use.
    public func withGlobalLock<Value: Sendable>(
        _ mode: LockMode, deadline: ContinuousClock.Instant? = nil,
        _ body: @escaping @Sendable (Lease) async throws -> Value
    ) async throws -> Value {
        let waits = deadline.map { max(.zero, $0 - .now) }
        let lease = try await self.acquire(.global, mode, in: "", waits: .some(waits))
        return try await lease.hold(body)
    }

    /// Carries out an action on behalf of this process and returns its reply.
    @discardableResult
    public func perform(_ action: Action) async throws(LockError) -> Reply {
        let client = self.openClient()
        defer { self.closeClient(client) }
        let reply = await self.reply(to: action, from: client)
        guard let code = reply.error else { return reply }
        throw LockError(code, action, reply)
    }

    /// Waits for the reply. Cancelling the task withdraws the request.
    func reply(to action: Action, from client: Client.ID) async -> Reply {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.submit(action, from: client) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            // The handler cannot wait for the service, so a task of its own has to.
            Task { await self.withdraw(client) }
        }
    }

    /// Withdraws what the client has asked for, or is about to.
    private func withdraw(_ client: Client.ID) {
        guard let record = self.clients[client] else { return }
        self.clients[client]?.isCancelled = true
        for id in record.actions {
            guard let pending = self.pending[id], let runner = pending.runner else { continue }
            guard case .lock(let target, _, _) = pending.action.operation else { continue }
            runner.withdraw(id, target.name, of: client, on: self)
        }
    }

    /// `waits` is how long to wait for others: nil not at all, a nil within for ever.
    func acquire(
        _ target: Action.Target, _ mode: LockMode, in volumeGroup: String, waits: Duration??
    ) async throws(LockError) -> Lease {
        let waiting: Waiting =
            switch waits {
            case .none: .no
            case .some(let longest): Waiting(deadline: longest.map { self.time.now + $0 })
            }
        let client = self.openClient()
        let (news, sink) = AsyncStream<Lease.News>.makeStream(bufferingPolicy: .bufferingNewest(8))
        self.clients[client]?.watch = { sink.yield($0) }
        let action = Action(.lock(target, mode, waiting), volumeGroup: volumeGroup)
        let reply = await self.reply(to: action, from: client)
        if let code = reply.error {
            self.closeClient(client)
            throw LockError(code, action, reply)
        }
        return Lease(
            target: target, volumeGroup: volumeGroup, mode: mode, reply: reply, news: news,
            client: client, service: self)
    }

    func lockLost(of client: Client.ID) {
        self.clients[client]?.watch?(.lost)
    }

    func lockWanted(of client: Client.ID) {
        self.clients[client]?.watch?(.wanted)
    }
}
