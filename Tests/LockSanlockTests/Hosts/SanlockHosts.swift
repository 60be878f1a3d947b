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
                    "--faults", world.faultFolder(of: host),
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
    private let shell: Keeper

    init() throws {
        self.folder = try Repository.makeTemporaryFolder("holdfast-sanlock")
        let script = """
            trap '' HUP INT TERM
            read -r _
            for file in "$0"/*/run/sanlock.pid; do
                [ -e "$file" ] && kill -KILL "$(cat "$file")"
            done
            rm -rf "$0"
            """
        self.shell = try Keeper(script: script, [self.folder])
    }

    func sweep() { self.shell.end() }
}
#endif
