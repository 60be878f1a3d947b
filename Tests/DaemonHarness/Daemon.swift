import Foundation

/// A lock daemon in a sandbox. Ends with the object.
package final class Daemon {
    /// Its socket, as seen from outside the sandbox.
    package let socketPath: String
    private let process: ChildProcess
    private let log: String
    private let sandbox: Sandbox

    /// Starts `binary -D …` and returns when its socket takes connections.
    package init(
        _ binary: String, _ arguments: [String], socket: String = "/run/lvm/lvmlockd.socket",
        pidFile: String = "/run/lvmlockd.pid", connects: String? = nil,
        environment: [String: String] = [:], in sandbox: Sandbox
    ) throws {
        self.sandbox = sandbox
        self.socketPath = sandbox.outside(connects ?? socket)
        let command = sandbox.command(
            [binary, "-D"] + arguments + ["-s", socket, "-p", pidFile], environment: environment)
        self.log = sandbox.outside(socket + ".log")
        self.process = try command.start(output: .file(self.log))
        try self.awaitSocket()
    }

    deinit {
        // The process that was started is nsenter; the daemon dies with it.
        self.process.kill()
        unlink(self.socketPath)
    }

    /// A daemon says in no other way that it is ready when it stays in the foreground.
    private func awaitSocket() throws {
        for _ in 0..<5000 {
            if (try? Connection(path: self.socketPath)) != nil { return }
            guard self.process.isRunning else { break }
            usleep(2000)
        }
        throw HarnessError("the daemon did not start:\n\(self.said)")
    }

    /// Returns when the daemon has said this. Its log follows its answers.
    package func awaitLog(_ text: String) throws {
        for _ in 0..<5000 {
            if self.said.contains(text) { return }
            usleep(2000)
        }
        throw HarnessError("the daemon did not say: \(text)\n\(self.said)")
    }

    private var said: String { (try? String(contentsOfFile: self.log, encoding: .utf8)) ?? "" }
}

/// Runs blocking work on a thread of its own: it would hold up other tests' tasks otherwise.
package func onOwnThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(with: Swift.Result { try body() })
        }
    }
}
