import Foundation
import Testing

/// The runtime keeps the rules in whatever order its tasks run.
@Suite struct RuntimeSimulationTests {
    /// A tenth of the seeds of the engine's simulation.
    private static let seeds: UInt64 =
        (ProcessInfo.processInfo.environment["HOLDFAST_SEEDS"].flatMap { UInt64($0) } ?? 2000) / 10

    @Test func `services keep the rules under a seeded scheduler`() {
        var jobs = 0
        for seed in 0..<max(1, Self.seeds) {
            let run = RuntimeRun(seed: seed)
            do { try run.run(steps: 80) } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            jobs += run.executor.jobsRun
        }
        print("\(Self.seeds) runs of the runtime, \(jobs) jobs")
        #expect(jobs > 0)
    }
}
