import LockCore
import LockInMemory
import Testing

/// Whatever clients ask and the manager answers, in whatever order, the rules hold.
@Suite struct RandomisedTests {
    @Test(arguments: 0..<400 as Range<UInt64>)
    func `random inputs keep the invariants`(_ seed: UInt64) {
        self.run(seed) { run in
            try run.play(steps: 150)
            try run.drain()
            try run.stop()
        }
    }

    @Test(arguments: 1000..<1100 as Range<UInt64>)
    func `a stop at any moment ends everything`(_ seed: UInt64) {
        self.run(seed) { run in
            try run.play(steps: Int(seed % 60))
            try run.stop()
        }
    }

    /// Runs the seed; if a rule is broken, once more to tell the story.
    private func run(_ seed: UInt64, _ story: (inout RandomRun) throws -> Void) {
        var run = RandomRun(seed: seed)
        do { try story(&run) } catch {
            var again = RandomRun(seed: seed, keepsLog: true)
            try? story(&again)
            let end = again.log.suffix(40).joined(separator: "\n")
            Issue.record("seed \(seed), step \(run.steps): \(error)\n\(end)")
        }
    }

    @Test func `a seed replays exactly`() throws {
        var first = RandomRun(seed: 7, keepsLog: true)
        var second = RandomRun(seed: 7, keepsLog: true)
        try first.play(steps: 200)
        try second.play(steps: 200)
        #expect(!first.log.isEmpty && first.log == second.log)
    }
}
