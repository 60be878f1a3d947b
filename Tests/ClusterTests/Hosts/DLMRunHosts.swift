import LockCore
import LockTesting
import Testing

/// Nodes for a randomised run on the kernel's DLM: their agents, and what can go wrong with them.
actor DLMRunHosts {
    private let world: DLMWorld
    private var agents: [Int: (stream: AgentStream, manager: RemoteLockManager)] = [:]

    init(_ world: DLMWorld) {
        self.world = world
    }

    /// The manager of the host's agent, which is started if there is none.
    func start(_ host: Int) async throws(FixtureError) -> RemoteLockManager {
        if let agent = self.agents[host] { return agent.manager }
        try await self.world.processStarts(on: host)
        let stream = try AgentStream(connectingTo: self.world.machines.socket(of: host))
        let manager = try await RemoteLockManager(over: stream)
        self.agents[host] = (stream, manager)
        return manager
    }

    /// Lets go of every agent. None may have ended by itself.
    func stop() async {
        for (host, agent) in self.agents.sorted(by: { $0.key < $1.key }) {
            let isRunning = await agent.manager.isRunning()
            #expect(isRunning, "the agent of host \(host)")
            self.leave(host)
        }
    }

    private func leave(_ host: Int) {
        self.agents.removeValue(forKey: host)?.stream.end()
    }

    private func kill(_ host: Int) async throws(FixtureError) {
        try await self.world.processEnded(on: host)
        self.leave(host)
    }

    private func crash(_ host: Int) async throws(FixtureError) {
        try await self.world.crash(host)
        self.leave(host)
    }

    /// A node's power is cut, or its process is killed and another finds its locks.
    nonisolated var faults: [RandomisedRun.Fault] {
        let crash = RandomisedRun.Fault(
            .crash(certainFor: DLMWorld.certainFor),
            strike: { host, _ in await Self.expect { try await self.crash(Int(host)) } })
        let process = RandomisedRun.Fault(
            .restart(keepsHolds: true),
            strike: { host, _ in await Self.expect { try await self.kill(Int(host)) } })
        return [crash, process]
    }

    private static func expect(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            Issue.record(error)
        }
    }
}
