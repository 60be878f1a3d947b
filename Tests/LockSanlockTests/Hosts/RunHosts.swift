#if Sanlock
import Foundation
import LockCore
import LockTesting
import Testing

/// Sanlock hosts for a randomised run: their agents, and what can go wrong with them.
actor RunHosts {
    private let world: SanlockWorld
    private let address: @Sendable (Int) -> (executable: String, arguments: [String])
    private var agents: [Int: (process: AgentProcess, manager: RemoteLockManager)] = [:]
    /// When a host's machine was stopped last.
    private var crashes: [Int: ContinuousClock.Instant] = [:]

    init(
        _ world: SanlockWorld,
        address: @escaping @Sendable (Int) -> (executable: String, arguments: [String])
    ) {
        self.world = world
        self.address = address
    }

    /// The manager of the host's process, which is started if there is none.
    func start(_ host: Int) async throws(FixtureError) -> RemoteLockManager {
        if let agent = self.agents[host] { return agent.manager }
        try await self.world.processStarts(on: host)
        let (executable, arguments) = self.address(host)
        let process = try AgentProcess(executable: executable, arguments: arguments)
        let manager = try await RemoteLockManager(over: process.stream)
        self.agents[host] = (process, manager)
        return manager
    }

    private func kill(_ host: Int) async {
        await self.agents.removeValue(forKey: host)?.process.kill()
    }

    private func crash(_ host: Int) async throws(FixtureError) {
        self.agents[host]?.process.pause()
        self.crashes[host] = .now
        try await self.world.crash(host)
        await self.kill(host)
    }

    /// Waits until others may have what the host held when it crashed, and have had the time to
    /// take it.
    private func waitForTakeover(from host: Int) async throws {
        let until = (self.crashes[host] ?? .now) + SanlockWorld.deadAfter + .seconds(8)
        try await Task.sleep(until: until)
    }

    func stop() async {
        for host in self.agents.keys.sorted() { await self.kill(host) }
    }

    /// What a host held is certain to be its own for so long: others count from its last renewal,
    /// which was at most two io timeouts ago, and took a while.
    private static let certainFor =
        SanlockWorld.deadAfter - .seconds(4 * SanlockWorld.ioTimeoutSeconds)

    /// Kills at random: machines, for a moment or until others have taken over, and processes;
    /// storage that goes away for good, or for a while; a daemon that does not run for a while.
    nonisolated func faults(in lockspace: Lockspace.ID) -> [RandomisedRun.Fault] {
        let moment = RandomisedRun.Fault(
            .crash(certainFor: Self.certainFor),
            strike: { host, _ in await Self.expect { try await self.crash(Int(host)) } })
        let minutes = RandomisedRun.Fault(
            .crash(certainFor: Self.certainFor), strike: moment.strike,
            mend: { host in
                await Self.expect { try await self.waitForTakeover(from: Int(host)) }
            })
        let process = RandomisedRun.Fault(.restart(keepsHolds: true)) { host, _ in
            await self.kill(Int(host))
        }
        let loss = RandomisedRun.Fault(.loss(certainFor: Self.certainFor)) { host, _ in
            await Self.expect { try await self.world.takeAway(lockspace, from: Int(host)) }
        }
        let pause = RandomisedRun.Fault(
            .disturbance, strike: { host, _ in await self.world.pause(Int(host)) },
            mend: { host in await self.world.resume(Int(host)) })
        let errors = RandomisedRun.Fault(
            .disturbance,
            strike: { host, _ in await Self.expect { try await self.world.cutOff(Int(host)) } },
            mend: { host in await Self.expect { try await self.world.reconnect(Int(host)) } })
        return [moment, moment, minutes, minutes, process, loss, pause, errors]
    }

    private static func expect(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            Issue.record(error)
        }
    }
}
#endif
