import LockCore
import LockTesting
import Testing

extension OnNodes {
    /// Three nodes use 32 resources of the kernel's DLM at random, and lose their power meanwhile.
    @Suite struct DLMRunTests {
        /// How long a round lasts. In the short form one node is powered off and back at work
        /// before the end.
        private static let seconds = isFull ? 120 : 60
        /// How many takeovers have to be seen.
        private static let takeovers: [HistoryChecker.Ending: Int] =
            isFull ? [.expired: 10, .purged: 10] : [.expired: 3]
        /// Which locks are in use when a node loses its power is chance: so many rounds are given
        /// for the takeovers to come.
        private static let mostRounds: UInt64 = 3

        @Test func `a randomised run with a node that is powered off is accepted`() async throws {
            var seen: [HistoryChecker.Ending: Int] = [:]
            for round in 1...Self.mostRounds
            where Self.takeovers.contains(where: { $1 > seen[$0, default: 0] }) {
                let machines = AgentMachines(cluster: try await .up(nodes: 3, services: [.dlm]))
                let bench = DLMRunHosts(DLMWorld(machines: machines))
                let history = try await Self.run(bench, seed: round)
                await bench.stop()
                let report = HistoryChecker().check(history)
                print("round \(round): \(history.events.count) events\n\(report)")
                if !report.isAccepted {
                    Attachment.record("\(history)", named: "history-\(round).txt")
                }
                #expect(report.isAccepted, "\(report)")
                seen.merge(report.takeovers, uniquingKeysWith: +)
            }
            for (ending, count) in Self.takeovers {
                #expect(seen[ending, default: 0] >= count, "\(ending)")
            }
        }

        private static func run(_ bench: DLMRunHosts, seed: UInt64) async throws -> History {
            let manager = try await bench.start(1)
            let arguments = try await manager.initialise(VolumeGroupRequest(volumeGroup: "run"))
            let lockspace = Lockspace(
                volumeGroup: "run", kind: manager.kind, arguments: arguments.arguments)
            let resources = (1...32).map {
                Resource(Resource.ID(lockspace: lockspace.id, name: .logicalVolume("lv-\($0)")))
            }
            var configuration = RandomisedRun.Configuration(
                seed: seed, length: .time(.seconds(Self.seconds)))
            configuration.longestPause = .seconds(2)
            configuration.faultPause = .seconds(5)
            configuration.newsDelay = .seconds(1)
            configuration.keepsValueBlocks = false
            configuration.tellsLostValueBlocks = true
            let hosts = RandomisedRun.Hosts([1, 2, 3], faults: bench.faults) { host in
                do {
                    return try await bench.start(Int(host))
                } catch {
                    preconditionFailure("there is no run without its hosts: \(error)")
                }
            }
            let run = RandomisedRun(
                hosts, lockspace: lockspace, resources: resources,
                capabilities: manager.capabilities, configuration: configuration)
            return await run.run()
        }
    }
}
