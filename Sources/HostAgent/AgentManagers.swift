import LockCore
import LockIDM
import LockIDMEmulation
import LockTesting

#if DLM
import LockDLM
#endif

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
        #if DLM
        case "dlm": return DLMLockManager()
        #endif
        #if Sanlock
        case "sanlock": return try Self.sanlock(options)
        #endif
        case "idm": return IDMLockManager(through: try Self.managerAccess(options))
        case "idm-direct": return IDMLockManager(driving: try Self.driveAccess(options))
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

    /// A host that talks to emulated drives, each behind a socket. Times are in milliseconds.
    private static func driveAccess(_ options: AgentOptions) throws(FixtureError) -> DriveAccess {
        let folder = try options.required("drives")
        var access = DriveAccess(hostID: UInt64(try options.required("host")) ?? 0)
        access.bootID = Array(try options.required("boot").utf8)
        access.stateFolder = try options.required("state-folder")
        access.countdown = try options.duration("countdown") ?? access.countdown
        access.giveUp = try options.duration("give-up") ?? access.giveUp
        access.renewalInterval =
            try options.duration("renewal-interval") ?? access.renewalInterval
        access.openDrive = { path throws(DriveError) in
            try EmulatedDriveServer.drive(behind: path, in: folder)
        }
        return access
    }
}
