import Foundation
import LoadGenerator

/// The programs that the comparison runs.
struct Programs {
    var daemons: [Peer: String]
    var lockload: String
    var lockmemory: String
    var sanlockload: String
    /// The script that makes a machine of its own.
    var sandbox: String

    /// Starts a daemon, puts the workload on it, and ends it again.
    func measure(
        _ workload: Workload, with peer: Peer, on processor: Int?
    ) throws -> LoadReport {
        guard let binary = self.daemons[peer] else { throw CompareError("no \(peer)") }
        let daemon = try RunningDaemon(binary, on: processor)
        defer { daemon.stop() }
        return try Self.report(
            RunningDaemon.pinning(processor)
                + self.load(workload, socket: daemon.socket, daemon: "\(daemon.processID)"))
    }

    /// The command that puts a workload on a daemon's socket.
    func load(_ workload: Workload, socket: String, daemon: String) -> [String] {
        [
            self.lockload, "--socket", socket, "--daemon", daemon,
            "--kind", workload.kind.rawValue, "--clients", "\(workload.clients)",
            "--held", "\(workload.held)", "--seconds", "\(workload.seconds)",
            "--warm-up", "\(workload.warmUpSeconds)",
        ] + (workload.connects ? ["--connects"] : [])
    }

    /// What a load generator says.
    static func report(_ words: [String]) throws -> LoadReport {
        try JSONDecoder().decode(LoadReport.self, from: try self.output(words))
    }

    /// Bytes of a held lock in the engine alone.
    func engineBytesPerLock() throws -> Double {
        let text = String(decoding: try Self.output([self.lockmemory]), as: UTF8.self)
        guard let bytes = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw CompareError("lockmemory printed \(text)")
        }
        return bytes
    }

    /// What a command prints, as a line; nil if it cannot be run.
    static func line(_ words: [String]) -> String? {
        let text = (try? self.output(words)).map { String(decoding: $0, as: UTF8.self) }
        return text?.split(separator: "\n").first.map(String.init)
    }

    /// What a command prints, if it succeeds.
    static func output(_ words: [String]) throws -> Data {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "--kill-after=1", "300"] + words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        let message = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CompareError(
                "\(words[0]): \(String(decoding: message, as: UTF8.self))"
                    + " (status \(process.terminationStatus))")
        }
        return data
    }
}
