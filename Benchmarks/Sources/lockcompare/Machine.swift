import Foundation

/// Where and with what was measured.
struct Machine: Codable {
    var processor: String
    var processors: Int
    var memoryGiB: Double
    var kernel: String
    var system: String
    var holdfast: String
    var lvmlockd: String
    var swift: String
    var time: String

    static func this(_ programs: Programs, revision: String) -> Machine {
        let version = { (peer: Peer) in
            programs.daemons[peer].flatMap { Programs.line([$0, "--version"]) } ?? "unknown"
        }
        return Machine(
            processor: Self.value("model name", in: "/proc/cpuinfo", separator: ":") ?? "unknown",
            processors: ProcessInfo.processInfo.activeProcessorCount,
            memoryGiB: Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30),
            kernel: Programs.line(["uname", "-srm"]) ?? "unknown",
            system: Self.value("PRETTY_NAME", in: "/etc/os-release", separator: "=") ?? "unknown",
            holdfast: version(.holdfast) + (revision.isEmpty ? "" : ", revision \(revision)"),
            lvmlockd: version(.lvmlockd),
            swift: Programs.line(["swift", "--version"]) ?? "unknown",
            time: ISO8601DateFormatter().string(from: Date()))
    }

    /// How busy the processors are while nothing is measured, between 0 and 1: what others do
    /// there makes figures worse, those without pinning most of all.
    static func busyShare() -> Double {
        let before = Self.processorTimes
        usleep(500_000)
        let after = Self.processorTimes
        let all = after.all - before.all
        return all > 0 ? 1 - (after.idle - before.idle) / all : 0
    }

    /// Of all processors since the system's start, in ticks; waiting for a disk is idle.
    private static var processorTimes: (all: Double, idle: Double) {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let times = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().prefix(8)
            .compactMap { Double($0) }
        guard times.count > 4 else { return (0, 0) }
        return (times.reduce(0, +), times[3] + times[4])
    }

    private static func value(_ key: String, in file: String, separator: String) -> String? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
            let found = line.range(of: separator)
        else { return nil }
        return line[found.upperBound...].trimmingCharacters(in: CharacterSet(charactersIn: " \""))
    }
}
