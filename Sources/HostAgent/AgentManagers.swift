import LockCore
import LockTesting

/// The lock managers that an agent can serve, by the word of `--manager`. A further one is a
/// further case here.
enum AgentManagers {
    static func make(_ options: AgentOptions) async throws(FixtureError) -> any LockManager {
        switch try options.required("manager") {
        case "memory":
            // The hosts of a cluster in memory share one process; this one stands for a host of it.
            if let port = options["cluster-device"] {
                return try await RemoteLockManager(over: try AgentStream(device: port))
            }
            let cluster = try AgentStream(connectingTo: try options.required("cluster"))
            return try await RemoteLockManager(over: cluster)
        #if Sanlock
        case "sanlock": return try Self.sanlock(options)
        #endif
        case let word:
            throw FixtureError("make a lock manager", "there is none called \(word)")
        }
    }
}
