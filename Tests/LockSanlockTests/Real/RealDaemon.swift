#if Sanlock
import Foundation
import LockCore

@testable import LockSanlock

/// A sanlock daemon without a watchdog, for this test process. libsanlock looks for its daemon
/// once in a process, so there is one for all tests.
actor RealDaemon {
    /// A preparation that failed, in words.
    struct Failure: Error {
        var description: String
    }

    static let shared = RealDaemon()

    /// Where the daemon's socket and the tests' leases are; removed with the process.
    nonisolated let folder: String
    private var processID: pid_t?
    private var input: [Pipe] = []

    private init() {
        self.folder = "/tmp/holdfast-sanlock-tests.\(getpid())"
        setenv("SANLOCK_RUN_DIR", self.folder + "/run", 1)
    }

    /// Starts the daemon if it does not run, and waits until it answers.
    func start() async throws {
        if self.processID != nil { return }
        try FileManager.default.createDirectory(
            atPath: self.folder + "/run", withIntermediateDirectories: true)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        // The shell's input ends with this process, and the daemon with that.
        shell.arguments = [
            "-c",
            """
            cd '\(self.folder)'
            SANLOCK_RUN_DIR=$PWD/run SANLOCK_PRIVILEGED=0 /usr/sbin/sanlock daemon -D -w 0 \
                -U root -G root -e tests >>sanlock.log 2>&1 </dev/null &
            echo $!
            exec >/dev/null
            cat
            kill -9 $!
            rm -rf '\(self.folder)'
            """,
        ]
        let (input, output) = (Pipe(), Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        let words = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let processID = pid_t(words.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw Failure(description: "no process number: \(words)") }
        self.processID = processID
        self.input.append(input)
        for _ in 0..<500 {
            if (try? SanlockCalls.live.version()) != nil { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "sanlock does not answer; see \(self.folder)/sanlock.log")
    }

    /// Ends the daemon without giving it time for anything.
    func kill() async throws {
        guard let processID = self.processID else { return }
        Foundation.kill(processID, SIGKILL)
        while (try? SanlockCalls.live.version()) != nil {
            try await Task.sleep(for: .milliseconds(10))
        }
        self.processID = nil
    }
}
#endif
