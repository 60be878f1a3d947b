import Glibc
import LockCore
import LockSanlock
import LockTesting

#if Sanlock
extension AgentManagers {
    /// The manager on the sanlock daemon whose folder the environment names
    /// (`SANLOCK_RUN_DIR`).
    ///
    /// Options: `--leases FOLDER`, which has a `GROUP-VOLUME` for each lease volume; `--state
    /// FOLDER`, for what the host keeps; `--kill-helper PATH`; `--io-timeout SECONDS`;
    /// `--value-blocks yes`; `--tokens yes`; `--faults FOLDER`, see ``FaultFolder``.
    static func sanlock(
        _ options: AgentOptions
    ) throws(FixtureError) -> any LockManager {
        // What sanlock sends, over and over, to a process that it may not kill.
        signal(SIGTERM, SIG_IGN)
        var configuration = SanlockLockManager.Configuration(
            killHelperPath: try options.required("kill-helper"))
        if let seconds = options["io-timeout"] {
            guard let seconds = UInt32(seconds) else {
                throw FixtureError("read the command line", "\(seconds) is no io timeout")
            }
            configuration.ioTimeoutSeconds = seconds
        }
        configuration.valueBlocks = options["value-blocks"] == "yes"
        configuration.fencingTokens = options["tokens"] == "yes"
        configuration.stateFolder = try options.required("state")
        let folder = try options.required("leases")
        configuration.leaseDevice = { "\(folder)/\($0)-\($1)" }
        guard let faults = options["faults"] else { return SanlockLockManager(configuration) }
        return SanlockLockManager(
            configuration, calls: FaultFolder(path: faults).strike(.live))
    }
}
#endif
