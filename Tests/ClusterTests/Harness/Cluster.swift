import DaemonHarness
import Foundation

/// Virtual machines that share disks and a network. There is one set of them at a time: the next
/// takes the place of the last, and the test's process takes the last with it.
struct Cluster: Sendable {
    /// What runs below a lock daemon.
    enum Services: String, Sendable {
        /// corosync and dlm_controld.
        case dlm
        /// The watchdog, wdmd and sanlock.
        case sanlock
    }

    let nodes: [ClusterNode]
    let services: [Services]
    private let daemons: [LockDaemon]

    /// Boots nodes, and starts on each the services and the lock daemon, if any. One daemon is
    /// meant for every node; of several, each is meant for its node.
    static func up(
        nodes count: Int, disks: Int = 1, services: [Services] = [], daemons: [LockDaemon] = []
    ) async throws -> Cluster {
        let owner = "\(ProcessInfo.processInfo.processIdentifier)"
        _ = try await Rig.run(["up", "\(count)", "--disks", "\(disks)", "--owner", owner])
        let cluster = Cluster(
            nodes: (1...count).map(ClusterNode.init), services: services,
            daemons: daemons.count == 1
                ? Array(repeating: daemons[0], count: count) : daemons)
        for service in services { _ = try await Rig.run(["cluster", service.rawValue]) }
        for node in cluster.nodes { try await cluster.startDaemon(on: node) }
        return cluster
    }

    /// The node of this number, counted from 1.
    func node(_ number: Int) throws -> ClusterNode {
        guard let node = self.nodes.first(where: { $0.number == number }) else {
            throw HarnessError("there is no node \(number)")
        }
        return node
    }

    /// Turns a node on that is off, with all that ran on it.
    func boot(_ node: ClusterNode) async throws {
        try await node.boot()
        for service in self.services {
            _ = try await Rig.run(["cluster", service.rawValue, "\(node.number)"])
        }
        try await self.startDaemon(on: node)
    }

    private func startDaemon(on node: ClusterNode) async throws {
        guard self.daemons.indices.contains(node.number - 1) else { return }
        try await self.daemons[node.number - 1].start(on: node, with: self.services)
    }
}
