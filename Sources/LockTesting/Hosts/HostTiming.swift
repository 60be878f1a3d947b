public import LockCore

/// How long things take in a world of hosts. Limits are there to tell a manager that hangs from
/// one that is slow: make them generous, for nothing waits for them while all is well.
public struct HostTiming: Sendable {
    /// Counts every duration.
    public var time: any TimeSource
    /// A call that has not answered after this long is taken never to answer.
    public var callLimit: Duration
    /// The same for joining and leaving, and for starting a host.
    public var joinLimit: Duration
    /// What a host that is dead held has passed to others after this long.
    public var takeoverLimit: Duration
    /// How long to look that something which must not happen does not. All of it is waited for.
    public var quiet: Duration
    /// How long a host is cut off: long enough that others would take over, where they do.
    public var outage: Duration

    /// Describes a world; without arguments, one in memory.
    public init(
        time: any TimeSource = SystemTime(), callLimit: Duration = .seconds(10),
        joinLimit: Duration = .seconds(30), takeoverLimit: Duration = .seconds(10),
        quiet: Duration = .milliseconds(50), outage: Duration = .milliseconds(300)
    ) {
        self.time = time
        self.callLimit = callLimit
        self.joinLimit = joinLimit
        self.takeoverLimit = takeoverLimit
        self.quiet = quiet
        self.outage = outage
    }
}

extension HostTiming {
    /// What the work returns, or nil if it takes longer than the limit. Work that goes on after
    /// that is cancelled and left to itself, so that nothing hangs with it.
    func bounded<Answer: Sendable>(
        by limit: Duration, _ work: @escaping @Sendable () async -> Answer
    ) async -> Answer? {
        let (answers, yield) = AsyncStream.makeStream(of: Answer.self)
        let worker = Task.immediate {
            yield.yield(await work())
            yield.finish()
        }
        let time = self.time
        let end = time.now + limit
        let timer = Task {
            // A sleep that is cut short ends a wait that nobody is interested in.
            try? await time.sleep(until: end)
            yield.finish()
        }
        defer {
            timer.cancel()
            worker.cancel()
        }
        return await answers.first { _ in true }
    }

    /// Waits so long.
    func pause(_ duration: Duration) async {
        // Only cancellation ends it early, and then nothing that follows matters.
        try? await self.time.sleep(until: self.time.now + duration)
    }
}
