#if Sanlock
import Foundation
import LockCore
import LockTesting
import Testing

/// Three hosts use 32 resources at random, and are killed meanwhile.
@Suite(.timeLimit(.minutes(30))) struct SanlockRunTests {
    /// How long a round lasts, and how many takeovers of each kind have to be seen.
    private static var extent: (seconds: Int, takeovers: Int) {
        ProcessInfo.processInfo.environment["HOLDFAST_LONG_RUNS"] == nil ? (150, 3) : (300, 10)
    }

    /// Which holds are in use when a host dies is chance, and on a slow machine there are fewer:
    /// so many rounds are given for the takeovers to come.
    private static let mostRounds: UInt64 = 3

    @Test func `a randomised run on real sanlock hosts is accepted`() async throws {
        var takeovers: [HistoryChecker.Ending: Int] = [.rejoined: 0, .expired: 0]
        for round in 1...Self.mostRounds
        where takeovers.values.contains(where: { $0 < Self.extent.takeovers }) {
            let hosts = try SanlockHosts(count: 3)
            let history = try await Lanes.all.pass { try await self.run(hosts, seed: round) }
            await hosts.stop()
            let report = HistoryChecker().check(history)
            print("round \(round): \(history.events.count) events\n\(report)")
            #expect(report.isAccepted, "\(report)")
            takeovers.merge(report.takeovers, uniquingKeysWith: +)
            #expect(!FileManager.default.fileExists(atPath: hosts.hosts.world.folder))
        }
        for (ending, seen) in takeovers {
            #expect(seen >= Self.extent.takeovers, "\(ending): \(seen)")
        }
    }

    private func run(_ hosts: SanlockHosts, seed: UInt64) async throws -> History {
        let world = hosts.hosts.world
        let bench = RunHosts(world, address: hosts.address)
        let manager = try await bench.start(1)
        let (lockspace, resources) = try await Self.makeResources(world, manager)
        var configuration = RandomisedRun.Configuration(
            seed: seed, length: .time(.seconds(Self.extent.seconds)))
        configuration.longestPause = .seconds(2)
        configuration.faultPause = .seconds(2)
        configuration.newsDelay = .seconds(1)
        let runHosts = RandomisedRun.Hosts(
            [1, 2, 3], faults: bench.faults(in: lockspace.id)
        ) { host in
            do {
                return try await bench.start(Int(host))
            } catch {
                preconditionFailure("there is no run without its hosts: \(error)")
            }
        }
        let run = RandomisedRun(
            runHosts, lockspace: lockspace, resources: resources,
            capabilities: manager.capabilities, configuration: configuration)
        let history = await run.run()
        await bench.stop()
        return history
    }

    private static func makeResources(
        _ world: SanlockWorld, _ manager: RemoteLockManager
    ) async throws -> (Lockspace, [Resource]) {
        var lockspace = try await world.makeVolumeGroup(named: "run", with: manager)
        lockspace.hostID = 1
        let options = JoinOptions()
        _ = try await manager.join(manager.prepare(lockspace, options), options)
        var resources: [Resource] = []
        for number in 1...32 {
            resources.append(
                try await world.makeVolume(named: "lv-\(number)", in: lockspace, with: manager))
        }
        try await manager.leave(lockspace.id, .stopped)
        lockspace.hostID = nil
        return (lockspace, resources)
    }
}
#endif
