/// The clock of the runtime: how much time has passed since some beginning, and a way to wait.
/// Tests pass their own.
public protocol TimeSource: Sendable {
    /// The time since the source's beginning. Never goes back.
    var now: Duration { get }
    /// Returns when that time has come. Throws `CancellationError` if the task is cancelled first.
    func sleep(until time: Duration) async throws
}

/// Time as the machine counts it, also while it sleeps.
public struct SystemTime: TimeSource {
    private let beginning = ContinuousClock.now

    /// Begins to count.
    public init() {}

    /// The time since the value was made.
    public var now: Duration { ContinuousClock.now - self.beginning }

    /// Returns when that time has come, or throws if the task is cancelled first.
    public func sleep(until time: Duration) async throws {
        try await Task.sleep(until: self.beginning + time, clock: .continuous)
    }
}
