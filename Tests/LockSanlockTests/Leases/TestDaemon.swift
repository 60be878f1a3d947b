#if Sanlock
import DaemonHarness
import Foundation

@testable import LockSanlock

/// A sanlock daemon without a watchdog, beside the one of this process: another host. It ends
/// with the object, or with the process.
final class TestDaemon: Sendable {
    /// The folder of its sockets (`SANLOCK_RUN_DIR`).
    let folder: String
    private let keeper: Keeper

    /// Starts a daemon; a host has the same name after a restart.
    init(name: String) throws {
        self.folder = try Scratch.folder("sanlock")
        let script = """
            SANLOCK_RUN_DIR=\(self.folder) SANLOCK_PRIVILEGED=0 \
            sanlock daemon -D -w 0 -U root -G root -e \(name) >\(self.folder)/log 2>&1 &
            read -r _
            kill -9 $!
            rm -rf \(self.folder)
            """
        self.keeper = try Keeper(script: script)
    }

    /// Runs `sanlock client` against this daemon; its output, or an error with it.
    @discardableResult
    func client(_ arguments: String) throws -> String {
        try Shell.run("SANLOCK_RUN_DIR=\(self.folder) sanlock client \(arguments)")
    }

    /// Returns when the daemon answers.
    func awaitAnswers() throws {
        for _ in 0..<2000 {
            if (try? self.client("status")) != nil { return }
            usleep(5000)
        }
        throw TestError("sanlock did not start: \(try Shell.run("cat \(self.folder)/log"))")
    }
}

extension RealDaemon {
    /// The library, with this process's daemon behind it.
    static func calls() async throws -> SanlockCalls {
        try await self.shared.start()
        return .live
    }
}

/// Commands of the system.
enum Shell {
    /// Runs the script; its output, or an error with it if it fails.
    @discardableResult
    static func run(_ script: String) throws -> String {
        let command = Command(["/bin/sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; \(script)"])
        let (status, output) = try command.runToEnd()
        guard status == 0 else {
            throw TestError("\(script): exit status \(status)\n\(output)")
        }
        return output
    }
}

/// What kept a test from testing.
struct TestError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Folders of the tests' own.
enum Scratch {
    static func folder(_ purpose: String) throws -> String {
        let path =
            "\(NSTemporaryDirectory())/holdfast-\(purpose)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
#endif
