import Foundation
import LockCore
import Testing

/// Whatever hosts, clients and the lock manager do, in whatever order, the rules hold.
@Suite struct SimulationTests {
    /// Seeds to run; `HOLDFAST_SEEDS` sets another number.
    private static let seeds: UInt64 =
        ProcessInfo.processInfo.environment["HOLDFAST_SEEDS"].flatMap { UInt64($0) } ?? 2000

    @Test func `random runs keep every rule, and visit every state`() {
        var coverage = Coverage()
        var events = 0
        for seed in 0..<Self.seeds {
            let simulation = Simulation(Script(seed: seed))
            do { try simulation.run() } catch {
                Self.tell(Script(seed: seed))
                return
            }
            coverage.add(simulation.coverage)
            events += simulation.events
        }
        print("\(Self.seeds) seeds, \(events) events\n\(coverage.table)")
        // A few seeds cannot be expected to go everywhere.
        guard Self.seeds >= 2000 else { return }
        #expect(coverage.missing.isEmpty, "never visited: \(coverage.missing)")
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `a client may vanish at every point where an answer is awaited`(_ seed: UInt64) throws {
        var script = Script(seed: seed)
        script.steps = Array(script.steps.prefix(20))
        let undisturbed = Simulation(script)
        try undisturbed.run()
        for (index, count) in undisturbed.awaited.enumerated() {
            for choice in 0..<min(count, 3) {
                let simulation = Simulation(script)
                simulation.vanishing = (index + 1, choice)
                do { try simulation.run() } catch {
                    Issue.record("seed \(seed), vanishing at \(index + 1), \(choice): \(error)")
                    return
                }
            }
        }
    }

    @Test func `a seed replays exactly`() throws {
        let first = Simulation(Script(seed: 7), keepsLog: true)
        let second = Simulation(Script(seed: 7), keepsLog: true)
        try first.run()
        try second.run()
        #expect(first.log.count > 100 && first.log == second.log)
    }

    @Test(arguments: [
        Simulation.Bug.dropsReleases, .answersTwice, .grantsWhatIsContended, .forgetsToVanish,
    ])
    func `a mistake is found, and shrunk to a few lines`(_ bug: Simulation.Bug) throws {
        var shrinker = Shrinker(bug: bug)
        let found = (0..<100 as Range<UInt64>).lazy.map { Script(seed: $0) }.first { script in
            shrinker.violation(of: script) != nil
        }
        let script = try #require(found)
        let shrunk = shrinker.shrink(script)
        let transcript = shrinker.transcript(of: shrunk)
        #expect(transcript.count <= 12, "\(transcript.joined(separator: "\n"))")
        #expect(transcript.last?.hasPrefix("broken: ") == true)
        print(transcript.joined(separator: "\n"))
    }

    /// Prints a failing seed with its shortest story.
    static func tell(_ script: Script, sourceLocation: SourceLocation = #_sourceLocation) {
        var shrinker = Shrinker()
        let shrunk = shrinker.shrink(script)
        let transcript = shrinker.transcript(of: shrunk).joined(separator: "\n")
        let log = shrinker.log(of: shrunk).suffix(60).joined(separator: "\n")
        Issue.record(
            "seed \(script.seed) fails; shrunk:\n\(transcript)\n\nin full:\n\(log)",
            sourceLocation: sourceLocation)
    }
}
