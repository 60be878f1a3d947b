#if Sanlock
import DaemonHarness
import Foundation
import LockTesting

/// A sanlock daemon: what makes a machine a host. Several run beside each other on one machine,
/// each with a folder of its own.
struct HostDaemon: Sendable {
    /// Where its socket is (`SANLOCK_RUN_DIR`); the log is there, too.
    let runFolder: String
    private let process: ChildProcess

    /// Starts a daemon without a watchdog, and returns when it takes connections. The name is how
    /// sanlock knows the host again: it takes its own leases back without waiting for them to
    /// expire.
    init(runFolder: String, hostName: String) throws(FixtureError) {
        self.runFolder = runFolder
        let log = "\(runFolder)/log"
        do {
            try FileManager.default.createDirectory(
                atPath: runFolder, withIntermediateDirectories: true)
            // Debug output and a log of its own; no real-time priority, no locked memory.
            self.process = try Command(
                ["sanlock", "daemon", "-D", "-w", "0", "-h", "0", "-l", "0"]
                    + ["-L", "-1", "-S", "-1", "-U", "root", "-G", "root", "-e", hostName],
                environment: ["SANLOCK_RUN_DIR": runFolder, "SANLOCK_PRIVILEGED": "0"]
            ).start(output: .file(log))
        } catch {
            throw FixtureError("start the sanlock daemon of \(hostName)", "\(error)")
        }
        guard self.answersSoon() else {
            self.kill()
            throw FixtureError("start the sanlock daemon of \(hostName)", "see \(log)")
        }
    }

    /// It says in no other way that it is ready.
    private func answersSoon() -> Bool {
        for _ in 0..<5000 {
            if let socket = try? connectedSocket(path: "\(self.runFolder)/sanlock.sock") {
                close(socket)
                return true
            }
            guard self.process.isRunning else { return false }
            usleep(2000)
        }
        return false
    }

    /// Kills it, and returns when it is gone. Whatever it held stays on the storage.
    func kill() {
        self.process.kill()
        // Nobody shall take a later process for it.
        unlink("\(self.runFolder)/sanlock.pid")
    }

    /// Stops it from running, until ``resume()``.
    func pause() { self.process.send(SIGSTOP) }

    /// Ends what ``pause()`` began.
    func resume() { self.process.send(SIGCONT) }

    /// What sanlock's own client program says to the daemon of a folder, and hears.
    static func client(_ words: [String], of runFolder: String) throws -> String {
        try Command(
            ["sanlock", "client"] + words, environment: ["SANLOCK_RUN_DIR": runFolder]
        ).runToEnd().output
    }

    /// Is the host in the lockspace, and has it not begun to give it up?
    func keeps(_ lockspace: String) throws -> Bool {
        let status = try Self.client(["status", "-D"], of: self.runFolder)
        // A lockspace's line, and its state on the indented lines that follow.
        let lines = status.split(separator: "\n")
        guard let first = lines.firstIndex(where: { $0.hasPrefix("s \(lockspace):") }) else {
            return false
        }
        let state = lines[(first + 1)...].prefix { $0.first == " " }
        return state.contains { $0.hasSuffix("killing_pids=0") }
    }
}
#endif
