import Foundation

/// A real sanlock daemon, without a watchdog, in a sandbox. Ends with the object.
package final class SanlockDaemon {
    private let process: Process

    /// Starts it and returns when its socket takes connections.
    package init(in sandbox: Sandbox) throws {
        self.process = sandbox.command(
            ["sanlock", "daemon", "-D", "-w", "0", "-h", "0", "-l", "0", "-L", "-1", "-S", "-1"]
                + ["-U", "root", "-G", "root", "-e", "replay"],
            environment: ["SANLOCK_PRIVILEGED": "0"])
        let log = sandbox.outside("/run/sanlock.log")
        guard FileManager.default.createFile(atPath: log, contents: nil),
            let output = FileHandle(forWritingAtPath: log)
        else { throw HarnessError("cannot write \(log)") }
        self.process.standardOutput = output
        self.process.standardError = output
        try self.process.run()
        for _ in 0..<5000 {
            let socket = sandbox.outside("/run/sanlock/sanlock.sock")
            if let connection = try? connectedSocket(path: socket) {
                close(connection)
                return
            }
            guard self.process.isRunning else { break }
            usleep(2000)
        }
        let said = try String(contentsOfFile: log, encoding: .utf8)
        throw HarnessError("sanlock did not start:\n\(said)")
    }

    deinit {
        // The process that was started is nsenter; the daemon dies with it.
        kill(self.process.processIdentifier, SIGKILL)
        self.process.waitUntilExit()
    }
}
