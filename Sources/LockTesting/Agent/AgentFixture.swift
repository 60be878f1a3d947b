import LockCore

/// Hosts that are reached through agents: each a process of this machine, or a process in a virtual
/// machine.
///
/// A host's process is killed for a crash or a restart, and stopped (`SIGSTOP`) while it is cut
/// off; what happens to its machine is the world's matter.
public actor AgentFixture<World: HostWorld>: HostFixture {
    /// How an agent is reached.
    public enum Address: Hashable, Sendable {
        /// It is started here, and speaks on its standard input and output.
        case process(executable: String, arguments: [String])
        /// It runs elsewhere, and something listens for it at this path: QEMU, say, for the serial
        /// port of a virtual machine. The world starts and ends it.
        case socket(path: String)
    }

    private struct Agent {
        var process: AgentProcess?
        var stream: AgentStream
        var host: RunningHost
    }

    /// What surrounds the hosts.
    public nonisolated let world: World
    /// How many hosts there are.
    public nonisolated let hostCount: Int
    private let address: @Sendable (_ host: Int) -> Address
    private var agents: [Int: Agent] = [:]

    /// Describes hosts; none is started. ``stop()`` has to be called at the end.
    public init(
        count: Int, world: World, address: @escaping @Sendable (_ host: Int) -> Address
    ) {
        self.hostCount = count
        self.world = world
        self.address = address
    }

    /// Starts the host's agent, or connects to it, unless that has been done.
    public func start(_ host: Int) async throws(FixtureError) -> RunningHost {
        if let agent = self.agents[host] { return agent.host }
        try await self.world.processStarts(on: host)
        var process: AgentProcess?
        let stream: AgentStream
        switch self.address(host) {
        case .process(let executable, let arguments):
            let started = try AgentProcess(executable: executable, arguments: arguments)
            process = started
            stream = started.stream
        case .socket(let path): stream = try AgentStream(connectingTo: path)
        }
        do throws(FixtureError) {
            let running = RunningHost(try await RemoteLockManager(over: stream))
            self.agents[host] = Agent(process: process, stream: stream, host: running)
            return running
        } catch {
            await process?.kill()
            throw error
        }
    }

    /// Kills the agent and starts another.
    public func restart(_ host: Int) async throws(FixtureError) -> RunningHost {
        await self.end(host)
        try await self.world.processEnded(on: host)
        return try await self.start(host)
    }

    /// Lets the world stop the machine, and kills the agent. Nothing on the machine has the time to
    /// notice that the agent is gone.
    public func crash(_ host: Int) async throws(FixtureError) {
        self.agents[host]?.process?.pause()
        try await self.world.crash(host)
        await self.end(host)
    }

    /// Stops the agent from running, once the world has cut its machine off.
    public func cutOff(_ host: Int) async throws(FixtureError) {
        try await self.world.cutOff(host)
        self.agents[host]?.process?.pause()
    }

    /// Ends what ``cutOff(_:)`` began.
    public func reconnect(_ host: Int) async throws(FixtureError) {
        self.agents[host]?.process?.resume()
        try await self.world.reconnect(host)
    }

    /// Kills every agent.
    public func stop() async {
        for host in self.agents.keys.sorted() { await self.end(host) }
    }

    private func end(_ host: Int) async {
        guard let agent = self.agents.removeValue(forKey: host) else { return }
        agent.stream.end()
        await agent.process?.kill()
    }
}
