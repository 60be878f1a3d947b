import LockCore
import LockTesting
import Testing

extension OnNodes {
    /// Three nodes use 32 resources of the kernel's DLM at random, and lose their power meanwhile.
    @Suite struct DLMRunTests {
        /// In the short form one node is powered off and back at work before the end.
        private static let seconds = isFull ? 120 : 60

        @Test(arguments: isFull ? [1, 2] : [1])
        func `a randomised run with a node that is powered off is accepted`(
            seed: UInt64
        ) async throws {
            let machines = AgentMachines(cluster: try await .up(nodes: 3, services: [.dlm]))
            let bench = DLMRunHosts(DLMWorld(machines: machines))
            let history = try await Self.run(bench, seed)
            await bench.stop()
            let report = HistoryChecker().check(history)
            print("seed \(seed): \(history.events.count) events\n\(report)")
            if !report.isAccepted { Attachment.record("\(history)", named: "history-\(seed).txt") }
            #expect(report.isAccepted, "\(report)")
            #expect(report.takeovers[.expired, default: 0] > 3, "\(report)")
            if isFull { #expect(report.takeovers[.purged, default: 0] > 3, "\(report)") }
        }

        private static func run(_ bench: DLMRunHosts, _ seed: UInt64) async throws -> History {
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
