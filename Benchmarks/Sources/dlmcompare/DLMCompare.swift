import ArgumentParser
import Foundation
import LoadGenerator

/// Lets two nodes contend for a volume group's lock in the kernel's DLM, with Holdfast on both and
/// with lvmlockd on both in turn, and says what that comes to.
@main
struct DLMCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlmcompare",
        abstract: "Compares two lock daemons on two virtual machines with the kernel's DLM.")

    @Option(help: "The script that runs virtual machines, Tests/Cluster/rig.")
    var rig: String

    @Option(help: "The folder with holdfastd and lockcontend, for machines without Swift.")
    var binaries: String

    @Option(help: "How often both are measured.")
    var rounds = 3

    @Option(help: "How long a run is measured.")
    var seconds = 12.0

    /// The daemons, and where the nodes have them.
    private static let daemons = [
        ("Holdfast", "/host/holdfastd"), ("lvmlockd", "/usr/sbin/lvmlockd"),
    ]
    private static let group = "bench"

    func validate() throws {
        guard self.rounds > 0, self.seconds > 0 else {
            throw ValidationError("numbers must be positive")
        }
    }

    func run() throws {
        let nodes = Nodes(rig: self.rig, binaries: self.binaries)
        try nodes.boot()
        var isNew = true
        var results: [String: [Contention.Report]] = [:]
        print("two nodes, one lock, held for 20 ms after pauses of 0 to 40 ms, \(self.seconds) s")
        for round in 1...self.rounds {
            // Who comes first changes, so that what wears off favours nobody.
            for (name, path) in round % 2 == 1 ? Self.daemons : Self.daemons.reversed() {
                let reports = try self.measure(path, on: nodes, isNew: isNew)
                isNew = false
                let report = Self.sum(of: reports)
                results[name, default: []].append(report)
                print("round \(round), \(name): \(Self.text(report))")
            }
        }
        try nodes.stop()
        guard self.judge(results) else { throw ExitCode.failure }
    }

    // MARK: One run

    private func measure(
        _ daemon: String, on nodes: Nodes, isNew: Bool
    ) throws -> [Contention.Report] {
        try nodes.runOnAll(
            """
            \(daemon) -D -g dlm </dev/null >/tmp/daemon.log 2>&1 &
            for i in $(seq 200); do
                lvmlockctl --info >/dev/null 2>&1 && exit 0
                sleep 0.05
            done
            tail /tmp/daemon.log
            exit 1
            """)
        if isNew { try nodes.run("vgcreate --shared \(Self.group) /dev/vdb", on: 1) }
        try nodes.runOnAll("vgchange --lockstart \(Self.group)")
        let line = "/host/lockcontend --seconds \(self.seconds) \(Self.group)"
        let reports = try nodes.runAtOnce(line).map {
            try JSONDecoder().decode(Contention.Report.self, from: Data($0.utf8))
        }
        try nodes.runOnAll(
            """
            vgchange --lockstop \(Self.group) && lvmlockctl --stop-lockspaces &&
            lvmlockctl --quit
            for i in $(seq 200); do
                [ -e /run/lvmlockd.pid ] || exit 0
                sleep 0.05
            done
            exit 1
            """)
        return reports
    }

    // MARK: What it comes to

    private static func sum(of reports: [Contention.Report]) -> Contention.Report {
        Contention.Report(
            cycles: reports.map(\.cycles).reduce(0, +),
            refusals: reports.map(\.refusals).reduce(0, +),
            firstRefusal: reports.compactMap(\.firstRefusal).first,
            longestWait: reports.map(\.longestWait).max() ?? 0)
    }

    private static func text(_ report: Contention.Report) -> String {
        let wait = String(format: "%.3f", report.longestWait)
        return "\(report.cycles) cycles, \(report.refusals) refusals, longest wait \(wait) s"
    }

    /// Compares medians with what is to be reached, and prints that.
    private func judge(_ results: [String: [Contention.Report]]) -> Bool {
        let own = results["Holdfast"] ?? []
        let other = results["lvmlockd"] ?? []
        let cycles =
            Self.median(own) { Double($0.cycles) } / Self.median(other) { Double($0.cycles) }
        let wait = Self.median(own, \.longestWait) / Self.median(other, \.longestWait)
        let refusals = own.map(\.refusals).reduce(0, +)
        let reaches = [
            ("refusals", Double(refusals), "0", refusals == 0),
            ("cycles, of lvmlockd's", cycles, "at least 1.3", cycles >= 1.3),
            ("longest wait, of lvmlockd's", wait, "at most 0.1", wait <= 0.1),
        ]
        for (title, value, limit, isReached) in reaches {
            let number = String(format: "%.3f", value)
            print("\(title): \(number) (\(limit)): \(isReached ? "reached" : "NOT reached")")
        }
        return reaches.allSatisfy(\.3)
    }

    private static func median(
        _ reports: [Contention.Report], _ figure: (Contention.Report) -> Double
    ) -> Double {
        let sorted = reports.map(figure).sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}
