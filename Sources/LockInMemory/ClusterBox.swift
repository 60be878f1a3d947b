import Dispatch
import LockCore

/// Owns the cluster's state. Every access runs on a serial queue of its own, in the caller's
/// thread, and none waits for anything but its turn; so a manager in memory answers without
/// suspending.
final class ClusterBox: @unchecked Sendable {
    private let queue = DispatchQueue(label: "holdfast.memory-cluster")
    private let now: @Sendable () -> Duration
    private let sleep: @Sendable (_ until: Duration) async throws -> Void
    private var state: ClusterState

    init(_ configuration: InMemoryCluster.Configuration) {
        (self.now, self.sleep) = Self.timekeeping(configuration.clock)
        self.state = ClusterState(
            context: MemoryContext(rules: configuration, now: self.now))
    }

    deinit {
        for host in self.state.hosts.values { host.reports.finish() }
    }

    /// Reads or changes the state, then tells whoever the change concerns.
    func withState<Answer>(_ body: (inout ClusterState) -> Answer) -> Answer {
        var answer: Answer?
        // A block without result costs a third of one with.
        self.queue.sync { () -> Void in
            answer = body(&self.state)
            self.state.deliverNotices()
            guard !self.state.context.deadlines.isEmpty else { return }
            for deadline in self.state.context.deadlines { self.expire(at: deadline) }
            self.state.context.deadlines = []
        }
        guard let answer else { preconditionFailure("the queue ran nothing") }
        return answer
    }

    /// Waits, as long as the task is not cancelled.
    func pause(_ duration: Duration) async {
        // A cancelled call goes on at once: the contract knows no failure of that kind.
        try? await self.sleep(self.now() + duration)
    }

    /// Requests that wait in a queue are granted when the holds in their way expire. (All others
    /// find them expired when they come.)
    private func expire(at deadline: Duration) {
        Task { [weak self, sleep] in
            try? await sleep(deadline)
            self?.withState { $0.everyLockspace { $0.expire(&$1) } }
        }
    }

    /// Counts time from now on.
    private static func timekeeping<C: Clock<Duration>>(
        _ clock: C
    ) -> (@Sendable () -> Duration, @Sendable (Duration) async throws -> Void) {
        let start = clock.now
        return (
            { start.duration(to: clock.now) },
            { try await clock.sleep(until: start.advanced(by: $0), tolerance: nil) }
        )
    }
}
