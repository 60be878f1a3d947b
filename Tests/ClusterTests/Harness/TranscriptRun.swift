import DaemonHarness
import Foundation

/// A transcript that is being run.
struct TranscriptRun {
    /// Steps that did not end as they have to, for a person to read.
    private(set) var differences: [String] = []
    private let cluster: Cluster
    private let accepts: Bool
    /// When something was last done to the nodes themselves.
    private var lastStruck = ContinuousClock.now

    /// Runs all steps; the differences. With `REWRITE_TRANSCRIPTS=1`, what comes of the steps is
    /// written to the transcript, but for those that are repeated until they end as they have to.
    static func differences(of name: String, on cluster: Cluster) async throws -> [String] {
        var transcript = try Transcript(named: name)
        let accepts = ProcessInfo.processInfo.environment["REWRITE_TRANSCRIPTS"] != nil
        var run = TranscriptRun(cluster: cluster, accepts: accepts)
        for index in transcript.steps.indices {
            try await run.perform(&transcript.steps[index])
        }
        if accepts { try Transcript.accept(transcript.steps, as: name) }
        return run.differences
    }

    private init(cluster: Cluster, accepts: Bool) {
        self.cluster = cluster
        self.accepts = accepts
    }

    private mutating func perform(_ step: inout Transcript.Step) async throws {
        let began = ContinuousClock.now
        var ended = try await self.results(of: step)
        if let seconds = step.seconds {
            let start = seconds.lowerBound > 0 ? self.lastStruck : began
            let earliest = start + .seconds(seconds.lowerBound)
            let latest = start + .seconds(seconds.upperBound)
            while ended != [step.expected], ContinuousClock.now < latest {
                try await Task.sleep(for: .seconds(1))
                ended = try await self.results(of: step)
            }
            if ended == [step.expected], ContinuousClock.now < earliest {
                ended.insert("before \(seconds.lowerBound) seconds had passed:\n")
            }
        } else if self.accepts, let result = ended.first, ended.count == 1 {
            step.expected = result
        }
        if step.place == .rig { self.lastStruck = .now }
        print("\(step.place)$ \(step.command): \(ContinuousClock.now - began)")
        if ended != [step.expected] {
            self.differences.append(
                "\(step.heading)\nexpected:\n\(step.expected)got:\n\(ended.sorted().joined())")
        }
    }

    /// Output and exit status, as a transcript has them; all that differ between the nodes.
    private func results(of step: Transcript.Step) async throws -> Set<String> {
        switch step.place {
        case .node(let number):
            return [Self.text(of: try await self.cluster.node(number).run(step.command))]
        case .everyNode:
            var results: Set<String> = []
            for node in self.cluster.nodes where try await node.isOn() {
                results.insert(Self.text(of: try await node.run(step.command)))
            }
            return results
        case .rig:
            let words = step.command.split(separator: " ").map(String.init)
            // With what ran on it; the rig boots the machine alone.
            if words.first == "boot", let number = words.last.flatMap({ Int($0) }) {
                try await self.cluster.boot(self.cluster.node(number))
                return [""]
            }
            return [Self.text(of: try await Rig.run(words))]
        }
    }

    private static func text(of result: (status: Int32, output: String)) -> String {
        let identifier = /[A-Za-z0-9]{6}(-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}/
        let lines = result.output.split(separator: "\n").map { $0 + "\n" }.joined()
        return lines.replacing(identifier, with: "UUID")
            + (result.status == 0 ? "" : "[\(result.status)]\n")
    }
}
