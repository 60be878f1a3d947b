import Dispatch
import LockCore
import LockInMemory

/// Runs the jobs of actors one at a time, in an order and at times that follow from a seed. It is
/// also the clock: time passes when no job is left to run.
final class SeededExecutor: SerialExecutor, TimeSource, @unchecked Sendable {
    private struct Sleeper {
        var id: Int
        var until: Duration
        var wake: CheckedContinuation<Void, any Error>
    }

    private let queue = DispatchQueue(label: "seeded-executor")
    private var random: SeededRandom
    private var jobs: [UnownedJob] = []
    private var sleepers: [Sleeper] = []
    private var cancelled: Set<Int> = []
    private var lastSleeper = 0
    private var time = Duration.zero
    /// Sleeps that are on their way to bed, or back: a continuation takes them through another
    /// thread for a moment.
    private var inTransit = 0
    private let news = DispatchSemaphore(value: 0)
    /// How many jobs have run.
    private(set) var jobsRun = 0

    init(seed: UInt64) {
        self.random = SeededRandom(seed: seed)
    }

    // MARK: Jobs

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.sync { self.jobs.append(job) }
        self.news.signal()
    }

    /// There is one thread, whether or not it is inside a job.
    func checkIsolated() {}

    /// Runs one job, any of those that are ready; false if there was none.
    func runOne() -> Bool {
        let job: UnownedJob? = self.queue.sync {
            guard !self.jobs.isEmpty else { return nil }
            self.jobsRun += 1
            return self.jobs.remove(at: .random(in: 0..<self.jobs.count, using: &self.random))
        }
        guard let job else { return false }
        job.runSynchronously(on: self.asUnownedSerialExecutor())
        return true
    }

    // MARK: Time

    var now: Duration { self.queue.sync { self.time } }

    func sleep(until time: Duration) async throws {
        let id = self.queue.sync {
            self.lastSleeper += 1
            self.inTransit += 1
            return self.lastSleeper
        }
        defer { self.queue.sync { self.inTransit -= 1 } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (wake: CheckedContinuation<Void, any Error>) in
                defer { self.news.signal() }
                self.queue.sync {
                    if self.cancelled.remove(id) != nil {
                        wake.resume(throwing: CancellationError())
                    } else if time <= self.time {
                        wake.resume()
                    } else {
                        self.sleepers.append(Sleeper(id: id, until: time, wake: wake))
                        self.inTransit -= 1
                    }
                }
            }
        } onCancel: {
            let sleeper: Sleeper? = self.queue.sync {
                guard let index = self.sleepers.firstIndex(where: { $0.id == id }) else {
                    self.cancelled.insert(id)
                    return nil
                }
                self.inTransit += 1
                return self.sleepers.remove(at: index)
            }
            sleeper?.wake.resume(throwing: CancellationError())
        }
    }

    /// Waits for a random time, or not at all.
    func delay() async {
        let pause: Duration? = self.queue.sync {
            guard self.random.happens(withProbability: 0.5) else { return nil }
            return self.time + .milliseconds(.random(in: 0...15, using: &self.random))
        }
        // Only a task that is cancelled does not wait.
        if let pause { try? await self.sleep(until: pause) }
    }

    /// Lets time pass until the next sleeper wakes, but no further than the end; false at the end.
    func passTime(until end: Duration) -> Bool {
        let woken: [Sleeper]? = self.queue.sync {
            guard let next = self.sleepers.map(\.until).min(), next <= end else {
                self.time = max(self.time, end)
                return nil
            }
            self.time = max(self.time, next)
            let woken = self.sleepers.filter { $0.until <= self.time }
            self.sleepers.removeAll { $0.until <= self.time }
            self.inTransit += woken.count
            return woken
        }
        for sleeper in woken ?? [] { sleeper.wake.resume() }
        return woken != nil
    }

    /// Runs every job, and lets time pass until the end with all that happens meanwhile.
    func run(until end: Duration) {
        repeat {
            while self.runOne() || self.waitForTransit() {}
        } while self.passTime(until: end)
    }

    /// Waits while somebody is on the way who will bring a job; false if nobody is.
    private func waitForTransit() -> Bool {
        guard self.queue.sync(execute: { self.inTransit > 0 && self.jobs.isEmpty }) else {
            return self.queue.sync { !self.jobs.isEmpty }
        }
        self.news.wait()
        return true
    }
}
