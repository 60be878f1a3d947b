import DaemonHarness
import Foundation
import LockCore
import LockInMemory
import LockTesting

/// Serves an in-memory cluster to agents: a socket for each host, at which the host's process
/// calls.
actor ClusterServer {
    let folder: URL
    private let cluster: InMemoryCluster
    private var listeners: [AgentListener] = []

    init(_ cluster: InMemoryCluster, hosts: Int) throws {
        self.cluster = cluster
        self.folder = FileManager.default.temporaryDirectory.appending(path: "hf\(UUID())")
        try FileManager.default.createDirectory(
            at: self.folder, withIntermediateDirectories: true)
        for host in 1...hosts {
            let listener = try AgentListener(path: Self.path(of: host, in: self.folder))
            self.listeners.append(listener)
            Task {
                for await stream in listener.streams {
                    let manager = await cluster.managerOfNextProcess(host)
                    Task { await AgentServer.serve(manager, on: stream) }
                }
            }
        }
    }

    static func path(of host: Int, in folder: URL) -> String {
        folder.appending(path: "\(host)").path
    }

    func close() async {
        for listener in self.listeners { listener.close() }
        try? FileManager.default.removeItem(at: self.folder)
    }
}

/// Hosts of an in-memory cluster that is in this process, each with an agent in a process of its
/// own.
struct InMemoryAgents {
    let hosts: AgentFixture<InMemoryWorld>
    let server: ClusterServer

    init(count: Int, _ configuration: InMemoryCluster.Configuration = .native) throws {
        let world = InMemoryWorld(configuration)
        self.server = try ClusterServer(world.cluster, hosts: count)
        self.hosts = AgentFixture(count: count, world: world) { [folder = self.server.folder] in
            .process(
                executable: Repository.product("HostAgent"),
                arguments: Self.arguments($0, in: folder))
        }
    }

    static func arguments(_ host: Int, in folder: URL) -> [String] {
        ["--manager", "memory", "--cluster", ClusterServer.path(of: host, in: folder)]
    }

    func stop() async {
        await self.hosts.stop()
        await self.server.close()
    }
}
