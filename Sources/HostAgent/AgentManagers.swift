import LockCore
import LockIDM
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
        case "idm": return IDMLockManager(through: try Self.managerAccess(options))
        case let word:
            throw FixtureError("make a lock manager", "there is none called \(word)")
        }
    }

    /// A host behind an IDM lock manager. Times are in milliseconds.
    private static func managerAccess(
        _ options: AgentOptions
    ) throws(FixtureError) -> ManagerAccess {
        var access = ManagerAccess(socketPath: try options.required("socket"))
        access.countdown = try options.duration("countdown") ?? access.countdown
        access.giveUp = try options.duration("give-up") ?? access.giveUp
        access.checkInterval = try options.duration("check-interval") ?? access.checkInterval
        return access
    }
}
