/// Collects the history of a run. It belongs to the run's driver, which is one actor: only so is
/// the order in which it is told of events the order in which they happened.
public struct HistoryRecorder: Sendable {
    /// What was recorded so far.
    public private(set) var history: History

    private let now: @Sendable () -> Duration
    private var lastCall = 0

    /// Begins to record, and to count time.
    public init(_ promises: History.Promises, clock: some Clock<Duration>) {
        let start = clock.now
        self.now = { start.duration(to: clock.now) }
        self.history = History(promises: promises)
    }

    /// The time since the recording began.
    public var elapsed: Duration { self.now() }

    /// Records a call, just before it is sent.
    public mutating func asked(_ request: History.Request, of host: UInt64) -> History.CallID {
        self.lastCall += 1
        let id = History.CallID(self.lastCall)
        self.record(.asked(id, request), of: host)
        return id
    }

    /// Records what happened just now.
    public mutating func record(_ what: History.What, of host: UInt64) {
        self.history.append(History.Event(time: self.now(), host: host, what))
    }

    /// Ends the recording. A driver that stopped while answers were missing says so.
    public mutating func finish(isComplete: Bool = true) -> History {
        self.history.isComplete = isComplete
        return self.history
    }
}
