import Dispatch

/// A clock that stands still until a test moves it.
final class ManualClock: Clock, @unchecked Sendable {
    struct Instant: InstantProtocol {
        var sinceStart: Duration

        func advanced(by duration: Duration) -> Instant {
            Instant(sinceStart: self.sinceStart + duration)
        }

        func duration(to other: Instant) -> Duration { other.sinceStart - self.sinceStart }

        static func < (left: Instant, right: Instant) -> Bool {
            left.sinceStart < right.sinceStart
        }
    }

    private let queue = DispatchQueue(label: "manual-clock")
    private let movesWithSleepers: Bool
    private var time = Instant(sinceStart: .zero)
    private var sleepers: [(until: Instant, continuation: CheckedContinuation<Void, Never>)] = []
    private var pauses: [Duration] = []
    private var whileSleeping: (@Sendable () async -> Void)?

    /// A clock whose sleepers wait for ``advance(by:)``, or one that jumps to each one's end.
    init(movesWithSleepers: Bool = false) {
        self.movesWithSleepers = movesWithSleepers
    }

    var now: Instant { self.queue.sync { self.time } }
    var minimumResolution: Duration { .nanoseconds(1) }
    /// How long each sleeper slept, in a clock that moves with them.
    var slept: [Duration] { self.queue.sync { self.pauses } }

    /// Does something in the middle of the next sleep of a clock that moves with its sleepers.
    func duringNextSleep(_ body: @escaping @Sendable () async -> Void) {
        self.queue.sync { self.whileSleeping = body }
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        if self.movesWithSleepers {
            let body = self.queue.sync {
                defer { self.whileSleeping = nil }
                self.pauses.append(self.time.duration(to: deadline))
                self.time = max(self.time, deadline)
                return self.whileSleeping
            }
            await body?()
            return
        }
        await withCheckedContinuation { continuation in
            let isOver = self.queue.sync {
                if self.time >= deadline { return true }
                self.sleepers.append((deadline, continuation))
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    func advance(by duration: Duration) {
        let woken = self.queue.sync {
            self.time = self.time.advanced(by: duration)
            let woken = self.sleepers.filter { $0.until <= self.time }
            self.sleepers.removeAll { $0.until <= self.time }
            return woken
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }
}
