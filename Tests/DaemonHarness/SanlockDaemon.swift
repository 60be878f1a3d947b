import Foundation

/// A real sanlock daemon, without a watchdog, in a sandbox. Ends with the object.
package final class SanlockDaemon {
    private let process: ChildProcess

    /// Starts it and returns when its socket takes connections.
    package init(in sandbox: Sandbox) throws {
        let command = sandbox.command(
            ["sanlock", "daemon", "-D", "-w", "0", "-h", "0", "-l", "0", "-L", "-1", "-S", "-1"]
                + ["-U", "root", "-G", "root", "-e", "replay"],
            environment: ["SANLOCK_PRIVILEGED": "0"])
        let log = sandbox.outside("/run/sanlock.log")
        self.process = try command.start(output: .file(log))
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
        self.process.kill()
    }
}
