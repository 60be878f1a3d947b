import Foundation
import LoadGenerator

/// The programs that the comparison runs.
struct Programs {
    var daemons: [Peer: String]
    var lockload: String
    var lockmemory: String

    /// Starts a daemon, puts the workload on it, and ends it again.
    func measure(
        _ workload: Workload, with peer: Peer, on processor: Int?
    ) throws -> LoadReport {
        guard let binary = self.daemons[peer] else { throw CompareError("no \(peer)") }
        let daemon = try RunningDaemon(binary, on: processor)
        defer { daemon.stop() }
        var arguments = [
            "--socket", daemon.socket, "--daemon", "\(daemon.processID)",
            "--kind", workload.kind.rawValue, "--clients", "\(workload.clients)",
            "--held", "\(workload.held)", "--seconds", "\(workload.seconds)",
            "--warm-up", "\(workload.warmUpSeconds)",
        ]
        if workload.connects { arguments.append("--connects") }
        let output = try Self.output(
            RunningDaemon.pinning(processor) + [self.lockload] + arguments)
        return try JSONDecoder().decode(LoadReport.self, from: output)
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

    private static func output(_ words: [String]) throws -> Data {
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
