import Foundation

/// The daemon that LVM's commands ask on a node.
enum LockDaemon: String, Sendable, CaseIterable {
    /// Debian's, whose behaviour is the standard.
    case lvmlockd
    /// Ours, linked so that it runs on a machine without Swift.
    case holdfastd

    /// The one that the tests are about; the variable names the other, to try the tests themselves.
    static let underTest =
        ProcessInfo.processInfo.environment["HOLDFAST_CLUSTER_DAEMON"]
        .flatMap(LockDaemon.init) ?? .holdfastd

    /// sanlock's timeout for one read or write. Everything else that it waits for is a multiple:
    /// by default minutes, so 16 seconds until a lockspace counts as lost, 76 until its host
    /// counts as dead.
    private static let sanlockTimeoutSeconds = 2

    private var path: String {
        switch self {
        case .lvmlockd: "/usr/sbin/lvmlockd"
        case .holdfastd: "/host/holdfastd"
        }
    }

    /// Starts it, and returns when it answers. It logs to /tmp/daemon.log.
    func start(on node: ClusterNode, with services: [Cluster.Services]) async throws {
        let options =
            switch services {
            case [.sanlock]: "-g sanlock -o \(Self.sanlockTimeoutSeconds)"
            case [.dlm]: "-g dlm"
            case []: "--embedded"
            default: "-o \(Self.sanlockTimeoutSeconds)"
            }
        try await node.succeed(
            """
            \(self.path) -D \(options) </dev/null >/tmp/daemon.log 2>&1 &
            for i in $(seq 200); do
                lvmlockctl --info >/dev/null 2>&1 && exit 0
                sleep 0.05
            done
            cat /tmp/daemon.log
            exit 1
            """)
    }
}
