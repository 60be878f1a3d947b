/// A lock that a caller in this process has, until it lets go of it.
public struct Lease: Sendable {
    /// Something that happens to a lock while it is held.
    public enum News: Hashable, Sendable {
        /// The lock is gone: stop touching what it protects.
        case lost
        /// Another host waits for the lock.
        case wanted
    }

    /// The mode in which it was granted.
    public let mode: LockMode
    /// Grows with every exclusive grant; nil where the lock manager keeps no such number. Hand it
    /// to storage that can refuse writers with an older one.
    public let token: FencingToken?
    /// What the grant says about the protected data: is this host's copy still good?
    public let value: ValueBlockReading
    /// What happens to the lock, for one reader.
    public let news: AsyncStream<News>

    private let target: Action.Target
    private let volumeGroup: String
    private let client: Client.ID
    private let service: LockService

    init(
        target: Action.Target, volumeGroup: String, mode: LockMode, reply: Reply,
        news: AsyncStream<News>, client: Client.ID, service: LockService
    ) {
        self.target = target
        self.volumeGroup = volumeGroup
        self.mode = mode
        if case .granted(let value, let token) = reply.content {
            self.value = value
            self.token = token
        } else {
            self.value = .unknown
            self.token = nil
        }
        self.news = news
        self.client = client
        self.service = service
    }

    /// Changes the lock's mode at once, or throws ``LockErrorCode/contended``. The new lease stands
    /// for the same lock; this one's mode and token are out of date.
    @discardableResult
    public func convert(to mode: LockMode) async throws(LockError) -> Lease {
        let reply = try await self.perform(.lock(self.target, mode, .no))
        return Lease(
            target: self.target, volumeGroup: self.volumeGroup, mode: mode, reply: reply,
            news: self.news, client: self.client, service: self.service)
    }

    /// Announces the version of the data that the end of this exclusive lock will publish; volume
    /// groups only.
    public func publish(version: UInt32) async throws(LockError) {
        try await self.perform(.update(version: version))
    }

    /// Lets go of the lock; returns when others can have it. Harmless if it is gone already.
    public func release() async {
        let action = Action(.unlock(self.target), volumeGroup: self.volumeGroup)
        _ = await self.service.reply(toRelease: action, from: self.client)
    }

    @discardableResult
    private func perform(_ operation: Action.Operation) async throws(LockError) -> Reply {
        let action = Action(operation, volumeGroup: self.volumeGroup)
        let reply = await self.service.reply(to: action, from: self.client)
        guard let code = reply.error else { return reply }
        throw LockError(code, action, reply)
    }

    private enum Ending<Value: Sendable>: Sendable {
        case finished(Value)
        case lost
        case newsEnded
    }

    /// Runs the body, cancels it if the lock is lost, and lets go of the lock in any case.
    func hold<Value: Sendable>(
        _ body: @escaping @Sendable (Lease) async throws -> Value
    ) async throws -> Value {
        let result: Result<Value, any Error>
        do {
            result = .success(try await self.race(body))
        } catch {
            result = .failure(error)
        }
        await self.release()
        return try result.get()
    }

    private func race<Value: Sendable>(
        _ body: @escaping @Sendable (Lease) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Ending<Value>.self) { group in
            group.addTask { .finished(try await body(self)) }
            group.addTask {
                for await news in self.news where news == .lost { return .lost }
                return .newsEnded
            }
            var isLost = false
            while let ending = try await self.next(&group, isLost) {
                switch ending {
                case .finished(let value) where !isLost:
                    group.cancelAll()
                    return value
                case .finished, .newsEnded: continue
                case .lost:
                    isLost = true
                    group.cancelAll()
                }
            }
            throw LockError(.lockLost, message: "the lock was lost while it was held")
        }
    }

    /// After a loss, what the cancelled body throws is no news.
    private func next<Value>(
        _ group: inout ThrowingTaskGroup<Ending<Value>, any Error>, _ isLost: Bool
    ) async throws -> Ending<Value>? {
        guard let result = await group.nextResult() else { return nil }
        switch result {
        case .success(let ending): return ending
        case .failure(let error): if isLost { return .newsEnded } else { throw error }
        }
    }
}

extension LockService {
    /// Releases a lease's lock and closes its client, also in a task that was cancelled.
    func reply(toRelease action: Action, from client: Client.ID) async -> Reply {
        guard self.clients[client] != nil else { return Reply(.notHeld) }
        self.clients[client]?.isCancelled = false
        let reply = await withCheckedContinuation { continuation in
            self.submit(action, from: client) { continuation.resume(returning: $0) }
        }
        self.closeClient(client)
        return reply
    }
}
