import LockTesting
import Testing

extension OnNodes {
    /// Hosts that are virtual machines.
    @Suite struct HostAgentTests {
        @Test func `the rules reach hosts that are machines, and end and boot them`() async throws {
            let machines = AgentMachines(cluster: try await .up(nodes: 3))
            let hosts = AgentFixture(count: 3, world: MemoryWorld(machines)) {
                .socket(path: machines.socket(of: $0))
            }
            let reports = await LockManagerRule.checkAll(on: hosts)
            await hosts.stop()
            print(reports.summary)
            for report in reports where report.outcome == .broken { Issue.record("\(report)") }
            #expect(reports.count { $0.outcome == .kept } > 40, "\(reports.summary)")
        }
    }
}
