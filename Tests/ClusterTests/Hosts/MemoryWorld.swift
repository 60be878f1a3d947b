import LockCore
import LockInMemory
import LockTesting

/// A cluster in memory whose hosts are nodes: the agent of each reaches it through a second port.
/// Such locks hold nothing off on real nodes; this shows that agents and machines do their part.
struct MemoryWorld: HostWorld {
    let machines: AgentMachines
    let abilities: Set<HostAbility> = [.restart, .crash, .cutOff]
    let timing = HostTiming(
        callLimit: .seconds(60), joinLimit: .seconds(240), takeoverLimit: .seconds(30))
    private let memory: InMemoryCluster
    private let peers: Peers

    init(_ machines: AgentMachines) {
        self.machines = machines
        var configuration = InMemoryCluster.Configuration.native
        configuration.crashedHostExpires = .milliseconds(100)
        self.memory = InMemoryCluster(configuration)
        self.peers = Peers(self.memory)
    }

    func processStarts(on host: Int) async throws(FixtureError) {
        try await self.machines.turnOn(host)
        try await self.peers.serve(host, at: ClusterNode(number: host).socket(of: "peer"))
        try await self.machines.startAgent(
            on: host,
            ["--manager", "memory", "--cluster-device", "/dev/virtio-ports/host.peer"])
    }

    func processEnded(on host: Int) async throws(FixtureError) {
        await self.peers.end(host)
        try await self.machines.killAgent(on: host)
        self.memory.restart(UInt64(host))
    }

    func crash(_ host: Int) async throws(FixtureError) {
        await self.peers.end(host)
        try await self.machines.crash(host)
        self.memory.crash(UInt64(host))
    }

    func cutOff(_ host: Int) async throws(FixtureError) {
        try await self.machines.setNetwork(of: host, isUp: false)
        self.memory.cutOff(UInt64(host))
    }

    func reconnect(_ host: Int) async throws(FixtureError) {
        try await self.machines.setNetwork(of: host, isUp: true)
        self.memory.reconnect(UInt64(host))
    }
}

/// The conversations with the agents about the cluster in memory.
private actor Peers {
    private let memory: InMemoryCluster
    private var streams: [Int: AgentStream] = [:]

    init(_ memory: InMemoryCluster) {
        self.memory = memory
    }

    func serve(_ host: Int, at path: String) async throws(FixtureError) {
        self.end(host)
        let running = self.memory.host(UInt64(host))
        let manager = await running.isRunning() ? running : self.memory.restart(UInt64(host))
        let stream = try AgentStream(connectingTo: path)
        self.streams[host] = stream
        Task { await AgentServer.serve(manager, on: stream) }
    }

    func end(_ host: Int) {
        self.streams.removeValue(forKey: host)?.end()
    }
}
