import ArgumentParser
import Foundation
import LoadGenerator

/// Measures Holdfast and lvmlockd in turn, and says what ratios they come to.
@main
struct LockCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockcompare",
        abstract: "Compares two lock daemons under the same load, in one run.")

    @Option(help: "Holdfast's daemon.")
    var holdfastd: String

    @Option(help: "The daemon to compare with.")
    var lvmlockd = "/usr/sbin/lvmlockd"

    @Option(help: "The load generator.")
    var lockload: String

    @Option(help: "The program that measures the engine's memory.")
    var lockmemory: String

    @Option(help: "The program that calls sanlock's library by itself.")
    var sanlockload: String

    @Option(help: "The script that makes a machine of its own, Tests/sandbox.")
    var sandbox: String

    @Option(help: "The folder for the results.")
    var results: String

    @Option(help: "How often everything is measured.")
    var rounds = 5

    @Option(help: "How long a run is measured.")
    var seconds = 1.0

    @Option(help: "How long a run goes before that.")
    var warmUp = 0.2

    @Option(help: "The processor to pin to; the last one if it is not given.")
    var processor: Int?

    @Option(help: "The revision that is measured.")
    var revision = ""

    @Flag(help: "List the measurements and do nothing else.")
    var list = false

    @Argument(help: "Which measurements; all of them if none is named.")
    var measurements: [String] = []

    func validate() throws {
        let known = Measurement.all.map(\.id) + [Self.memory]
        for name in self.measurements where !known.contains(name) {
            throw ValidationError("no measurement \(name); there are \(known)")
        }
        guard self.rounds > 0, self.seconds > 0, self.warmUp >= 0 else {
            throw ValidationError("numbers must be positive")
        }
    }

    private static let memory = "memory"

    func run() throws {
        if self.list {
            for measurement in Measurement.all { print(measurement.id, measurement.title) }
            print(Self.memory, "a held lock in the engine alone")
            return
        }
        let programs = Programs(
            daemons: [.holdfast: self.holdfastd, .lvmlockd: self.lvmlockd],
            lockload: self.lockload, lockmemory: self.lockmemory,
            sanlockload: self.sanlockload, sandbox: self.sandbox)
        var results = Results(
            machine: .this(programs, revision: self.revision), rounds: self.rounds,
            secondsPerRun: self.seconds)
        if self.isWanted(Self.memory) {
            results.engineBytesPerLock = try programs.engineBytesPerLock()
        }
        let sanlock = SanlockRuns(programs)
        for round in 1...self.rounds {
            FileHandle.standardError.write(Data("round \(round) of \(self.rounds)\n".utf8))
            results.busyBefore.append(Machine.busyShare())
            self.measureRound(round, programs, sanlock, &results)
        }
        results.judge()
        let text = Report(results: results).text
        print(text, terminator: "")
        try self.write(results, text)
    }

    private func isWanted(_ name: String) -> Bool {
        self.measurements.isEmpty || self.measurements.contains(name)
    }

    private func measureRound(
        _ round: Int, _ programs: Programs, _ sanlock: SanlockRuns, _ results: inout Results
    ) {
        let last = ProcessInfo.processInfo.processorCount - 1
        for measurement in Measurement.all where self.isWanted(measurement.id) {
            var workload = measurement.workload
            workload.seconds = self.seconds
            workload.warmUpSeconds = self.warmUp
            // Who comes first changes, so that what wears off favours nobody.
            let peers = measurement.peers
            for peer in round % 2 == 1 ? peers : peers.reversed() {
                let processor = measurement.isPinned ? self.processor ?? last : nil
                let report = Result {
                    measurement.isOnSanlock
                        ? try sanlock.measure(workload, with: peer)
                        : try programs.measure(workload, with: peer, on: processor)
                }.mapError { CompareError("\($0)") }
                results.add(report, measurement, peer)
            }
        }
    }

    private func write(_ results: Results, _ text: String) throws {
        let folder = URL(filePath: self.results)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let name = results.machine.time.replacingOccurrences(of: ":", with: "")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let files = [
            "json": try encoder.encode(results), "svg": Data(Chart(results: results).svg.utf8),
            "txt": Data(text.utf8),
        ]
        for (type, content) in files.sorted(by: { $0.key < $1.key }) {
            let file = folder.appending(path: "\(name).\(type)")
            try content.write(to: file)
            print("wrote \(file.path())")
        }
    }
}
