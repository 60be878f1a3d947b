import Glibc
import LockCore
import LockIDM
import LockInMemory

#if DLM
import LockDLM
#endif

#if Sanlock
import LockSanlock
#endif

/// Which lock managers the daemon serves with.
///
/// The one in memory never stands in for a real one: a daemon that grants from memory while it
/// calls itself `dlm` corrupts storage. It serves only where --test or --embedded ask for it.
enum LockManagerRegistry {
    /// Said at every start, and in every status, of an embedded daemon.
    static let embeddedNotice = "embedded: locks are valid on this machine only"

    /// The lock managers of each host that this process serves, in the order in which their
    /// global locks are taken.
    static func managers(
        _ options: Options, hostID: UInt32?
    ) throws(StartError) -> [[any LockManager]] {
        if options.test { return [try Self.testManagers()] }
        if options.embedded { return try Self.embeddedManagers(options.hosts?.value ?? 1) }
        return [Self.realManagers(options, hostID: hostID)]
    }

    /// The lock managers that this program is built with.
    private static func realManagers(
        _ options: Options, hostID: UInt32?
    ) -> [any LockManager] {
        var managers: [any LockManager] = []
        #if DLM
        managers.append(DLMLockManager())
        #endif
        managers.append(Self.idmManager(options, hostID: hostID))
        #if Sanlock
        managers.append(Self.sanlockManager(options))
        #endif
        return managers
    }

    // MARK: sanlock

    #if Sanlock
    private static func sanlockManager(_ options: Options) -> any LockManager {
        var configuration = SanlockLockManager.Configuration(
            killHelperPath: Paths.besideProgram("holdfast-sanlock-kill"))
        configuration.ioTimeoutSeconds = options.sanlockTimeout?.value ?? 0
        return SanlockLockManager(configuration)
    }
    #endif

    // MARK: IDM

    private static func idmManager(_ options: Options, hostID: UInt32?) -> any LockManager {
        guard options.idmDirect else { return IDMLockManager(through: Self.managerAccess(options)) }
        return IDMLockManager(driving: Self.driveAccess(options, hostID: hostID))
    }

    private static func driveAccess(_ options: Options, hostID: UInt32?) -> DriveAccess {
        var access = DriveAccess(hostID: hostID.map(UInt64.init))
        access.globalDrives = options.idmGlobalDrives
        return access
    }

    private static func managerAccess(_ options: Options) -> ManagerAccess {
        var access = ManagerAccess()
        access.globalDrives = options.idmGlobalDrives
        access.killPath = ManagerAccess.KillPath(
            path: "/usr/sbin/lvmlockctl", arguments: "--kill")
        access.notesFolder = Paths.idmNotes
        return access
    }

    /// What an earlier daemon of this boot lost by its end, or will lose soon, for the log.
    static func losses(_ options: Options) async -> [String] {
        guard !options.test, !options.embedded else { return [] }
        guard options.idmDirect else {
            return Self.managerAccess(options).takeAbandoned().map {
                "an earlier daemon ended in lockspace \($0): the IDM lock manager has let go of "
                    + "its locks, and volumes that are still active are not protected. "
                    + "Deactivate them, or start the volume group and activate them anew"
            }
        }
        let access = Self.driveAccess(options, hostID: nil)
        return await access.leftBehind().map {
            "an earlier daemon ended in lockspace \($0): its locks run out \(access.countdown) "
                + "after it, and volumes that are still active are not protected then. Start the "
                + "volume group and activate them anew before, or deactivate them"
        }
    }

    // MARK: In memory

    private static func testManagers() throws(StartError) -> [any LockManager] {
        var managers: [any LockManager] = []
        for name in ["dlm", "idm", "sanlock"] {
            let kind = LockManagerKind(rawValue: name)
            let found = InMemoryCluster.Configuration.testMode(kind) { access($0, F_OK) == 0 }
            guard var mode = found else { throw Self.unknown(kind) }
            // In test mode a lock manager counts as running from its first use on, as upstream.
            mode.isRunning = false
            managers.append(InMemoryCluster(mode).host(1))
        }
        return managers
    }

    private static func embeddedManagers(_ hosts: Int) throws(StartError) -> [[any LockManager]] {
        let kind = LockManagerKind(rawValue: "dlm")
        guard var configuration = InMemoryCluster.Configuration.presenting(kind) else {
            throw Self.unknown(kind)
        }
        // LVM sees a dlm; what a dlm cannot do and LVM does not mind is there all the same.
        configuration.capabilities.ownerInformation = true
        configuration.capabilities.fencingTokens = true
        let cluster = InMemoryCluster(configuration)
        return (1...UInt64(hosts)).map { [cluster.host($0)] }
    }

    private static func unknown(_ kind: LockManagerKind) -> StartError {
        StartError(
            problem: "the lock manager in memory cannot present itself as \(kind)",
            advice: "this is a fault of the program; please report it")
    }
}
