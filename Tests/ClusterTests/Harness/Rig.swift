import DaemonHarness
import Foundation

/// What is to be served to nodes at /host: the folder with the static binaries. Without it there is
/// nothing to test; `Tests/run cluster` builds them and sets the variable.
let binaries = ProcessInfo.processInfo.environment["HOLDFAST_CLUSTER_BINARIES"]

/// Whether the long forms of tests are wanted, as with `Tests/run --full`.
let isFull = ProcessInfo.processInfo.environment["HOLDFAST_LONG_RUNS"] != nil

/// `Tests/Cluster/rig`, which runs the nodes.
enum Rig {
    /// Where its nodes' sockets and consoles are.
    static let folder =
        ProcessInfo.processInfo.environment["RIG_WORK"]
        ?? "\(FileManager.default.homeDirectoryForCurrentUser.path)/.cache/holdfast-rig"

    /// The rig's own failures end with this.
    private static let ownFailure: Int32 = 125

    /// Runs the rig, and returns how it ended if that is about a node's command.
    static func run(_ words: [String]) async throws -> (status: Int32, output: String) {
        let result = try await onOwnThread {
            try Command(
                ["\(Repository.root)/Tests/Cluster/rig"] + words,
                environment: ["RIG_HOST": binaries ?? "/var/empty", "RIG_WORK": folder]
            ).runToEnd()
        }
        guard result.status != Self.ownFailure else { throw HarnessError(result.output) }
        return result
    }
}
