public import LockCore

/// The process that runs on a host: its lock manager, and what that has reported by itself.
///
/// A manager's events have one reader, which is this one; so a fixture makes it once for each
/// process.
public struct RunningHost: Sendable {
    /// The manager of this process.
    public let manager: any LockManager
    /// All that the manager has reported.
    public let events: EventLog

    /// Begins to read the manager's events.
    public init(_ manager: any LockManager) {
        self.manager = manager
        self.events = EventLog(reading: manager.events)
    }
}

/// The events of one lock manager, in the order in which they came.
public actor EventLog {
    /// All so far.
    public private(set) var all: [LockManagerEvent] = []
    private var isOver = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(reading events: AsyncStream<LockManagerEvent>) {
        Task { [weak self] in
            for await event in events { await self?.record(event) }
            await self?.end()
        }
    }

    /// The first that matches, now or later; nil if the manager ends without one.
    public func first(
        where matches: @Sendable (LockManagerEvent) -> Bool
    ) async -> LockManagerEvent? {
        var seen = 0
        while true {
            while seen < self.all.count {
                if matches(self.all[seen]) { return self.all[seen] }
                seen += 1
            }
            if self.isOver { return nil }
            await withCheckedContinuation { self.waiting.append($0) }
        }
    }

    private func record(_ event: LockManagerEvent) {
        self.all.append(event)
        self.wake()
    }

    private func end() {
        self.isOver = true
        self.wake()
    }

    private func wake() {
        for continuation in self.waiting { continuation.resume() }
        self.waiting = []
    }
}
