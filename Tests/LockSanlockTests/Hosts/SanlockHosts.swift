#if Sanlock
import DaemonHarness
import Foundation
import LockTesting

/// Hosts on real sanlock daemons: each a daemon, and an agent that speaks to it. Nothing is left
/// of them when the object is gone, or the tests' process.
struct SanlockHosts {
    /// What the locks keep.
    enum Keeping: String, CaseIterable, Sendable {
        /// As LVM uses sanlock.
        case nothing
        /// As libraries may.
        case valuesAndTokens = "values and tokens"
    }

    let hosts: AgentFixture<SanlockWorld>
    /// How a host's agent is started.
    let address: @Sendable (_ host: Int) -> (executable: String, arguments: [String])
    private let sweeper: Sweeper

    init(
        count: Int, keeping: Keeping = .valuesAndTokens, sectorBytes: Int = 512
    ) throws {
        self.sweeper = try Sweeper()
        let world = SanlockWorld(
            folder: self.sweeper.folder, hostCount: count, sectorBytes: sectorBytes)
        let options = Self.options(keeping)
        let address = { @Sendable (host: Int) -> (executable: String, arguments: [String]) in
            (
                "/usr/bin/env",
                [
                    "SANLOCK_RUN_DIR=\(world.runFolder(of: host))",
                    Repository.product("HostAgent"), "--manager", "sanlock",
                    "--leases", world.leaseFolder(of: host),
                    "--state", world.runFolder(of: host),
                ] + options
            )
        }
        self.address = address
        self.hosts = AgentFixture(count: count, world: world) { host in
            let (executable, arguments) = address(host)
            return .process(executable: executable, arguments: arguments)
        }
    }

    /// Ends agents and daemons.
    func stop() async {
        await self.hosts.stop()
        await self.hosts.world.stop()
        self.sweeper.sweep()
    }

    private static func options(_ keeping: Keeping) -> [String] {
        let keeps = keeping == .valuesAndTokens ? "yes" : "no"
        return [
            "--io-timeout", "\(SanlockWorld.ioTimeoutSeconds)", "--value-blocks", keeps,
            "--tokens", keeps, "--kill-helper", Repository.product("holdfast-sanlock-kill"),
        ]
    }
}

/// A folder, and a shell that waits for this process's end, in whatever way it comes, kills
/// the sanlock daemons that are left in the folder, and removes it.
private final class Sweeper {
    let folder: String
    private let process: ChildProcess
    /// The shell reads from its other end. No child inherits this one.
    private var lifeline: Int32

    init() throws {
        var template = Array("/tmp/holdfast-sanlock.XXXXXX".utf8CString)
        var ends: [Int32] = [-1, -1]
        let type = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard mkdtemp(&template) != nil, socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw HarnessError.system("making a folder and a pair of sockets")
        }
        defer { close(ends[0]) }
        self.lifeline = ends[1]
        self.folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let script = """
            trap '' HUP INT TERM
            read -r _
            for file in "$0"/*/run/sanlock.pid; do
                [ -e "$file" ] && kill -KILL "$(cat "$file")"
            done
            rm -rf "$0"
            """
        self.process = try ChildProcess(
            ["/bin/sh", "-c", script, self.folder], input: ends[0])
    }

    deinit { self.sweep() }

    func sweep() {
        guard self.lifeline >= 0 else { return }
        close(self.lifeline)
        self.lifeline = -1
        self.process.wait()
    }
}
#endif
