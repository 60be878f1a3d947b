import Foundation
import LoadGenerator

/// The results as text for a terminal.
struct Report {
    let results: Results

    var text: String {
        var lines = self.machine
        lines.append("")
        lines += self.measurements
        lines.append("")
        lines += self.reaches
        lines += self.remarks
        return lines.joined(separator: "\n") + "\n"
    }

    private var machine: [String] {
        let machine = self.results.machine
        return [
            "\(machine.processor), \(machine.processors) processors, "
                + "\(Self.number(machine.memoryGiB)) GiB, \(machine.kernel), \(machine.system)",
            "\(machine.holdfast); \(machine.lvmlockd); \(machine.swift)",
            "\(machine.time); medians of \(self.results.rounds) rounds of "
                + "\(self.results.secondsPerRun) s, the daemons in turn",
        ]
    }

    // MARK: Measurements

    private static let columns = [
        "a second", "p50 us", "p90 us", "p99 us", "max us", "CPU us each", "RSS MB", "PSS MB",
    ]

    private var measurements: [String] {
        var lines = [Self.row("measured", "", Self.columns)]
        for measurement in Measurement.all {
            let series = measurement.peers.compactMap { self.results.series(measurement.id, $0) }
            for (index, one) in series.enumerated() {
                let title = index == 0 ? measurement.title : ""
                let values = Self.values(one).map { $0.map(Self.number) ?? "-" }
                lines.append(Self.row(title, one.peer.rawValue, values))
            }
            guard let own = series.first, own.peer == .holdfast else { continue }
            for other in series.dropFirst() {
                let ratios = zip(Self.values(own), Self.values(other)).map { own, other in
                    guard let own, let other, other > 0 else { return "-" }
                    return String(format: "%.2f", own / other)
                }
                let name = series.count > 2 ? "  to \(other.peer.rawValue)" : ""
                lines.append(Self.row(name, "ratio", ratios))
            }
        }
        return lines
    }

    private static func values(_ series: Results.Series) -> [Double?] {
        [
            series.median(.rate), series.median(.p50), series.median { $0.latency.p90 },
            series.median(.p99), series.median { $0.latency.max },
            series.median { report in
                guard report.completed > 0 else { return nil }
                return report.daemon.map { $0.cpu * 1e6 / Double(report.completed) }
            },
            series.median { $0.daemon.map { Double($0.rss) / 1e6 } },
            series.median { $0.daemon.map { Double($0.pss) / 1e6 } },
        ]
    }

    private static func row(_ title: String, _ peer: String, _ values: [String]) -> String {
        let cells = values.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }
        return self.padded(title, 36) + self.padded(peer, 9) + cells.joined()
    }

    // MARK: Reaches

    private var reaches: [String] {
        let width = 62
        var lines = [Self.padded("reach", width) + "   limit  came to  rounds        reached"]
        for reach in self.results.reaches {
            let limit = (reach.isCeiling ? "<= " : ">= ") + Self.number(reach.limit)
            let spread = "\(Self.ratio(reach.lowest)) to \(Self.ratio(reach.highest))"
            lines.append(
                Self.padded(reach.title, width) + Self.leading(limit, 8)
                    + Self.leading(Self.ratio(reach.value), 9) + "  "
                    + Self.padded(spread, 14) + (reach.isReached ? "yes" : "NO"))
        }
        return lines
    }

    private var remarks: [String] {
        var lines: [String] = []
        if let busy = self.results.busyBefore.max(), busy > 0.1 {
            lines.append(
                "the processors were busy with other things, up to \(Int(busy * 100)) % before a "
                    + "round: measure again when they are not")
        }
        for series in self.results.series {
            let name = "\(series.title), \(series.peer.rawValue)"
            for failure in series.failures { lines.append("failed: \(name): \(failure)") }
            let errors = series.rounds.reduce(0) { $0 + $1.errors }
            if errors > 0 {
                let first = series.rounds.compactMap(\.firstError).first ?? ""
                lines.append("errors: \(name): \(errors), such as \(first)")
            }
            let load = series.median { $0.generatorLoad } ?? 0
            if load > 0.9 {
                lines.append("the generator was busy \(Self.ratio(load)) of the time: \(name)")
            }
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    // MARK: Numbers

    /// Three digits, or all of them before the point.
    static func number(_ value: Double) -> String {
        switch abs(value) {
        case ..<10 where value != value.rounded(): String(format: "%.2f", value)
        case ..<100 where value != value.rounded(): String(format: "%.1f", value)
        default: String(format: "%.0f", value)
        }
    }

    private static func ratio(_ value: Double) -> String {
        value < 100 ? String(format: "%.2f", value) : String(format: "%.0f", value)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func leading(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
