import LockCore
import LockInMemory
import LockTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RuleTests {
    @Test(arguments: LockManagerRule.all, Setup.allCases)
    func `is kept in this process`(_ rule: LockManagerRule, _ setup: Setup) async {
        let hosts = InMemoryHosts(count: rule.hostsNeeded, setup.configuration)
        let report = await Gate.checks.pass { await rule.check(on: hosts) }
        #expect(report.outcome != .broken, "\(setup): \(report)")
    }

    @Test func `every rule applies to some manager`() async {
        var left = Set(LockManagerRule.all.map(\.id))
        #expect(left.count == LockManagerRule.all.count, "ids have to differ")
        for setup in Setup.allCases {
            let reports = await LockManagerRule.checkAll(
                on: InMemoryHosts(count: 3, setup.configuration))
            left.subtract(reports.filter { $0.outcome == .kept }.map(\.rule.id))
            print("\(setup): \(reports.summary)")
            #expect(reports.contains { $0.outcome == .kept }, "no rule was checked")
        }
        #expect(left.isEmpty)
    }
}

/// The same with a process for each host. One rule after the other, for the sake of the machine.
@Suite(.serialized, .timeLimit(.minutes(5))) struct AgentRuleTests {
    @Test(arguments: LockManagerRule.all, Setup.allCases)
    func `is kept through agents`(_ rule: LockManagerRule, _ setup: Setup) async throws {
        let agents = try InMemoryAgents(count: rule.hostsNeeded, setup.configuration)
        let report = await rule.check(on: agents.hosts)
        await agents.stop()
        #expect(report.outcome != .broken, "\(setup): \(report)")
    }
}
