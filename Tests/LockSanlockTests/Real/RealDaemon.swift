#if Sanlock
import DaemonHarness
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
    /// One for each daemon that was started; the folder goes with the first that ends.
    private var shells: [Keeper] = []

    private init() {
        self.folder = "/tmp/holdfast-sanlock-tests.\(getpid())"
        setenv("SANLOCK_RUN_DIR", self.folder + "/run", 1)
    }

    /// Starts the daemon if it does not run, and waits until it answers.
    func start() async throws {
        if self.processID != nil { return }
        try FileManager.default.createDirectory(
            atPath: self.folder + "/run", withIntermediateDirectories: true)
        // The shell's input ends with this process, and the daemon with that.
        let script = """
            cd '\(self.folder)'
            SANLOCK_RUN_DIR=$PWD/run SANLOCK_PRIVILEGED=0 /usr/sbin/sanlock daemon -D -w 0 \
                -U root -G root -e tests >>sanlock.log 2>&1 </dev/null &
            echo $!
            exec >/dev/null
            cat
            kill -9 $!
            rm -rf '\(self.folder)'
            """
        let (said, output) = try FileHandle.connectedPair()
        self.shells.append(
            try Keeper(
                Command(["/bin/sh", "-c", script]), output: .descriptor(output.fileDescriptor)))
        try output.close()
        let words = String(decoding: said.availableData, as: UTF8.self)
        guard let processID = pid_t(words.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw Failure(description: "no process number: \(words)") }
        self.processID = processID
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
