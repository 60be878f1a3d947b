import Dispatch
import LockCore
import LockInMemory
import LockTesting

/// Counts the replies to each action.
final class ReplyLog: @unchecked Sendable {
    private let queue = DispatchQueue(label: "reply-log")
    private var counts: [Int] = []

    func next() -> Int {
        self.queue.sync {
            self.counts.append(0)
            return self.counts.count - 1
        }
    }

    func answered(_ number: Int) { self.queue.sync { self.counts[number] += 1 } }

    func isAnswered(_ number: Int) -> Bool { self.queue.sync { self.counts[number] == 1 } }

    var answeredTwice: Int? { self.queue.sync { self.counts.firstIndex { $0 > 1 } } }
}

/// Knows which calls to lock managers are under way.
final class CallWatch: @unchecked Sendable {
    struct Subject: Hashable {
        var host: UInt64
        var resource: Resource.ID
    }

    private let queue = DispatchQueue(label: "call-watch")
    private var calls: [Subject: String] = [:]
    private var firstViolation: String?

    var violation: String? { self.queue.sync { self.firstViolation } }
    var underWay: Int { self.queue.sync { self.calls.count } }
    var isConverting: Bool { self.queue.sync { self.calls.values.contains("convert") } }

    func begin(_ call: String, _ subject: Subject) {
        self.queue.sync {
            if let other = self.calls.updateValue(call, forKey: subject) {
                self.firstViolation =
                    "\(call) and \(other) at once about \(subject.resource.name)"
            }
        }
    }

    func end(_ subject: Subject) { self.queue.sync { self.calls[subject] = nil } }
}

/// A lock manager whose calls are watched, and often take a while in each direction.
struct WatchedManager: ForwardingLockManager {
    let base: InMemoryLockManager
    let host: UInt64
    let watch: CallWatch
    let executor: SeededExecutor

    private func watched<Answer>(
        _ call: String, _ resource: Resource.ID,
        _ body: () async throws(LockManagerError) -> Answer
    ) async throws(LockManagerError) -> Answer {
        let subject = CallWatch.Subject(host: self.host, resource: resource)
        self.watch.begin(call, subject)
        defer { self.watch.end(subject) }
        await self.executor.delay()
        let result: Result<Answer, LockManagerError>
        do throws(LockManagerError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await self.executor.delay()
        return try result.get()
    }

    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.watched("acquire", resource.id) { () async throws(LockManagerError) in
            try await self.base.acquire(resource, mode, options)
        }
    }

    func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.watched("convert", resource) { () async throws(LockManagerError) in
            try await self.base.convert(resource, to: mode, writing: value)
        }
    }

    func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        try await self.watched("release", resource) { () async throws(LockManagerError) in
            try await self.base.release(resource, writing: value)
        }
    }
}
