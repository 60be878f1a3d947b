import DaemonHarness
import LockTesting

/// Nodes as the machines of hosts. On each runs a `HostAgent`, and is reached through a port; so
/// the process and the machine below it are separate things that can end.
///
/// A world is made of this and of what its lock manager needs:
///
/// ```swift
/// let machines = AgentMachines(cluster: try await .up(nodes: 3, services: [.dlm]))
/// let hosts = AgentFixture(count: 3, world: world) { .socket(path: machines.socket(of: $0)) }
/// ```
struct AgentMachines: Sendable {
    let cluster: Cluster

    /// Where the agent of a host is reached.
    func socket(of host: Int) -> String { ClusterNode(number: host).socket(of: "agent") }

    /// Turns the machine on if it is off, with the services below the lock manager.
    func turnOn(_ host: Int) async throws(FixtureError) {
        try await self.arrange("turn on", host) { node in
            if try await !node.isOn() { try await self.cluster.boot(node) }
        }
    }

    /// Runs a command on the machine.
    func run(_ command: String, on host: Int) async throws(FixtureError) {
        try await self.arrange("run '\(command)' on", host) { try await $0.succeed(command) }
    }

    /// Starts the agent. It waits for its driver.
    func startAgent(on host: Int, _ arguments: [String]) async throws(FixtureError) {
        let words = arguments + ["--device", "/dev/virtio-ports/host.agent"]
        try await self.arrange("start an agent on", host) { node in
            try await node.succeed(
                "/host/HostAgent \(words.joined(separator: " ")) </dev/null >/tmp/agent.log 2>&1 &")
        }
    }

    /// Kills the agent, and returns when it is gone.
    func killAgent(on host: Int) async throws(FixtureError) {
        try await self.arrange("kill the agent of", host) { node in
            try await node.succeed(
                "while pkill -KILL -x HostAgent; do sleep 0.02; done", seconds: 30)
        }
    }

    /// Cuts the machine's power.
    func crash(_ host: Int) async throws(FixtureError) {
        try await self.arrange("cut the power of", host) { try await $0.cutPower() }
    }

    /// Cuts the machine off the network of the nodes, or connects it. The agent's port goes on.
    func setNetwork(of host: Int, isUp: Bool) async throws(FixtureError) {
        try await self.arrange(isUp ? "connect" : "cut off", host) {
            try await $0.setNetwork(isUp: isUp)
        }
    }

    private func arrange(
        _ doing: String, _ host: Int, _ body: (ClusterNode) async throws -> Void
    ) async throws(FixtureError) {
        do {
            try await body(try self.cluster.node(host))
        } catch {
            throw FixtureError("\(doing) node \(host)", "\(error)")
        }
    }
}
