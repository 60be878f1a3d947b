import LockTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct MutationTests {
    @Test(arguments: Mutation.all)
    func `is noticed by its rules and by no others`(_ mutation: Mutation) async {
        let reports = await withTaskGroup { group in
            for rule in LockManagerRule.all {
                group.addTask {
                    await Gate.checks.pass {
                        await rule.check(on: mutation.hosts(count: rule.hostsNeeded))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let broken = reports.filter { $0.outcome == .broken }
        let unexpected = broken.filter { !mutation.breaks.contains($0.rule.id) }
        let unnoticed = mutation.breaks.subtracting(broken.map(\.rule.id))
        #expect(unexpected.isEmpty, "\(unexpected)")
        #expect(unnoticed.isEmpty)
        #expect(!mutation.breaks.isEmpty)
    }

    @Test func `every rule has a mutation that it notices`() {
        let noticed = Mutation.all.reduce(into: Set<String>()) { $0.formUnion($1.breaks) }
        let rules = Set(LockManagerRule.all.map(\.id))
        #expect(rules.subtracting(noticed).isEmpty)
        #expect(noticed.subtracting(rules).isEmpty, "no such rules")
    }
}
