import ArgumentParser
import LockCore

/// lvmlockd's command line, and what this daemon adds to it.
///
/// Every option that lvmlockd documents works, also the short forms -i and -F that it documents
/// and rejects. Values that mean nothing are errors; lvmlockd takes many of them for 0.
struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfastd", abstract: "Serves locks to LVM's commands in place of lvmlockd.")

    @Flag(name: [.customShort("V"), .customLong("version")], help: "Show the version.")
    var version = false

    @Flag(
        name: [.customShort("T"), .customLong("test")],
        help: "Test mode: locks are kept in memory, no lock manager is called.")
    var test = false

    @Flag(
        help: """
            Keep locks in memory, valid on this machine only; LVM sees the lock type dlm.
            """)
    var embedded = false

    @Option(
        help: ArgumentHelp(
            "With --embedded: serve so many hosts, host n on the socket's path with .n behind it.",
            valueName: "number"))
    var hosts: HostCount?

    @Option(
        help: ArgumentHelp(
            "Which lvmlockctl --info is to understand the status: 2.03.16 or 2.03.40.",
            valueName: "version"))
    var lvmlockctl = LvmlockctlVersion.debian12

    @Flag(name: .shortAndLong, help: "Do not become a background process.")
    var foreground = false

    @Flag(
        name: [.customShort("D"), .customLong("daemon-debug")],
        help: "Stay in the foreground and print everything that is logged.")
    var daemonDebug = false

    @Option(
        name: [.customShort("p", allowingJoined: true), .customLong("pid-file")],
        help: ArgumentHelp(
            "The pid file (environment: LVM_LVMLOCKD_PIDFILE). (default: \(Paths.pidFile))",
            valueName: "path"))
    var pidFile: String?

    @Option(
        name: [.customShort("s", allowingJoined: true), .customLong("socket-path")],
        help: ArgumentHelp(
            "The socket to listen on (environment: LVM_LVMLOCKD_SOCKET). "
                + "(default: \(Paths.socket))",
            valueName: "path"))
    var socketPath: String?

    @Option(help: ArgumentHelp("The file for the adoption of locks.", valueName: "path"))
    var adoptFile = Paths.adoptFile

    @Option(
        name: [.customShort("S", allowingJoined: true), .customLong("syslog-priority")],
        help: ArgumentHelp(
            "Write log messages from this level up to syslog: err, warning, debug.",
            valueName: "level"))
    var syslogPriority = SyslogPriority.warning

    @Option(
        name: [.customShort("g", allowingJoined: true), .customLong("gl-type")],
        help: ArgumentHelp("Whose global lock to use: dlm, idm or sanlock.", valueName: "type"))
    var globalLockType: GlobalLockType?

    @Option(
        name: [.customShort("i", allowingJoined: true), .customLong("host-id")],
        help: ArgumentHelp("This host's number (1 to 2000), for sanlock.", valueName: "number"))
    var hostID: HostNumber?

    @Option(
        name: [.customShort("F", allowingJoined: true), .customLong("host-id-file")],
        help: ArgumentHelp(
            "A file with this host's number, as host_id = NUMBER.", valueName: "path"))
    var hostIDFile: String?

    @Option(
        name: [.customShort("o", allowingJoined: true), .customLong("sanlock-timeout")],
        help: ArgumentHelp("sanlock's I/O timeout.", valueName: "seconds"))
    var sanlockTimeout: TimeoutSeconds?

    @Flag(
        name: .customLong("idm-direct"),
        help: "Lock type idm: talk to the drives, without an IDM lock manager.")
    var idmDirect = false

    @Option(
        name: .customLong("idm-gl-drive"), parsing: .singleValue,
        help: ArgumentHelp(
            "Lock type idm: a drive of the global lock, once for each. (default: those with a "
                + "partition called propeller)",
            valueName: "path"))
    var idmGlobalDrives: [String] = []

    @Option(
        name: [.customShort("A", allowingJoined: true), .customLong("adopt")],
        help: ArgumentHelp("Adopt the locks of an earlier daemon: 0 or 1.", valueName: "0|1"))
    var adopt = Switch.off

    func validate() throws {
        if self.test, self.embedded {
            throw ValidationError("--test and --embedded exclude each other; choose one")
        }
        if self.idmDirect, self.test || self.embedded {
            throw ValidationError("--idm-direct makes no sense for locks in memory")
        }
        if self.hosts != nil, !self.embedded {
            throw ValidationError("--hosts needs --embedded: only hosts in memory share a process")
        }
    }
}
