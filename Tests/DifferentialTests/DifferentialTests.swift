import DaemonHarness
import Foundation
import Testing

/// Random sequences of requests by four clients, given to Debian's lvmlockd and to our daemon, both
/// in test mode. What the peer sends, ours must send too, but for the known differences.
@Suite(.serialized) struct DifferentialTests {
    /// Sequences of each kind; sanlock's are few, because lvmlockd takes three seconds to start one
    /// volume group.
    @Test(arguments: [(Kind.dlm, 180), (Kind.sanlock, 20)])
    func `answers as lvmlockd does`(kind: Kind, share: Int) async throws {
        let wanted = ProcessInfo.processInfo.environment["HOLDFAST_SEQUENCES"].flatMap { Int($0) }
        let sequences = (wanted ?? 200) * share / 200
        let workers = kind == .dlm ? 4 : 10
        let summary = try await withThrowingTaskGroup(of: Summary.self) { group in
            for worker in 0..<workers {
                let seeds = stride(from: worker + 1, through: sequences, by: workers)
                group.addTask {
                    try await onOwnThread { try compareSequences(kind, seeds: Array(seeds)) }
                }
            }
            return try await group.reduce(into: Summary()) { $0.add($1) }
        }
        print("differential \(kind): \(summary)")
        for failure in summary.failures { Issue.record("\(failure)") }
        #expect(summary.sequences == sequences)
    }
}

/// What a number of sequences showed.
private struct Summary: CustomStringConvertible {
    var sequences = 0
    var steps = 0
    var waits = 0
    var differedOnce = 0
    var results: [String: Int] = [:]
    var explained: [String: Int] = [:]
    var failures: [String] = []

    mutating func add(_ other: Summary) {
        self.sequences += other.sequences
        self.steps += other.steps
        self.waits += other.waits
        self.differedOnce += other.differedOnce
        self.results.merge(other.results, uniquingKeysWith: +)
        self.explained.merge(other.explained, uniquingKeysWith: +)
        self.failures += other.failures
    }

    mutating func count(_ outcomes: [Outcome]) {
        self.sequences += 1
        self.steps += outcomes.count
        for outcome in outcomes {
            switch outcome.answer {
            case .reply(let reply): self.results[reply["op_result"] ?? "none", default: 0] += 1
            case .waits: self.waits += 1
            case .closed, .missing: break
            }
        }
    }

    var description: String {
        let results = self.results.sorted { $0.value > $1.value }
            .map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        let explained = self.explained.sorted { $0.key < $1.key }
            .map { "\n  \($0.value) explained by: \($0.key)" }.joined()
        return """
            \(self.sequences) sequences, \(self.steps) steps, \(self.waits) waits, \
            \(self.differedOnce) differed only sometimes
              results \(results)\(explained)
            """
    }
}

/// Goes through the seeds with one sandbox, up to the first failure.
private func compareSequences(_ kind: Kind, seeds: [Int]) throws -> Summary {
    let pair = try DaemonPair(kind: kind)
    var summary = Summary()
    for seed in seeds where summary.failures.isEmpty {
        let first = try pair.compare(SequenceGenerator(kind: kind, seed: UInt64(seed)))
        let steps = first.peer.map(\.step)
        summary.count(first.peer)
        if first.comparison.divergence == nil {
            summary.explained.merge(first.comparison.explained, uniquingKeysWith: +)
        } else if try pair.differs(steps, times: DaemonPair.timesInARow - 1) {
            summary.failures.append(try pair.transcript(ofShrunk: steps, seed: seed))
        } else {
            summary.differedOnce += 1
        }
    }
    return summary
}
