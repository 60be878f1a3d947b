import LockCore
import LockInMemory
import LockTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct ReportTests {
    private func rule(_ id: String) throws -> LockManagerRule {
        try #require(LockManagerRule.all.first { $0.id == id })
    }

    @Test func `a broken rule is told with what was done, expected, and happened`() async throws {
        let mutation = try #require(
            Mutation.all.first { $0.description == "drops the hold when a conversion is refused" })
        let report = try await self.rule("conversion/refused").check(on: mutation.hosts(count: 2))
        #expect(report.outcome == .broken)
        let lines = "\(report)".split(separator: "\n").map(String.init)
        #expect(lines.first == "BROKEN: \(report.rule.sentence) (conversion/refused)")
        #expect(lines.contains { $0.contains("host 1: acquire lv-1 shared: granted (grant 1,") })
        #expect(
            lines.suffix(2) == ["  expected: contended", "  happened: \(report.happened)"])
        #expect(report.happened.hasPrefix("granted (grant "))
    }

    @Test func `a manager that does not answer breaks a rule and does not hang`() async throws {
        let mutation = Mutation("never answers", breaks: []) {
            $0.acquiring = { _, _, _, _ in await hang() }
        }
        let report = try await self.rule("modes/again").check(on: mutation.hosts(count: 1))
        #expect(report.outcome == .broken)
        #expect(report.expected == "an answer within 2.0 seconds")
        #expect(report.steps.last == "host 1: acquire lv-1 exclusive: no answer")
    }

    @Test func `what does not apply is not passed`() async throws {
        let few = try await self.rule("modes/shared-together").check(on: InMemoryHosts(count: 2))
        #expect(few.outcome == .notApplicable("it needs 3 hosts and there are 2"))
        let plain = InMemoryHosts(count: 3, Setup.idm.configuration)
        let unable = try await self.rule("waiting/granted").check(on: plain)
        #expect(unable.outcome == .notApplicable("the manager has no queue"))
        let bare = LocalHosts(count: 2) { _ in InMemoryCluster().host(1) }
        let fixture = try await self.rule("loss/takeover").check(on: bare)
        #expect(fixture.outcome == .notApplicable("there is no way to crash a host"))
        #expect([few, unable, fixture].summary == "0 rules kept, 0 broken, 3 do not apply")
    }

    @Test func `a fixture that fails is not passed either`() async throws {
        let hosts = LocalHosts(count: 2) { _ throws(FixtureError) in
            throw FixtureError("start the service", "it is not installed")
        }
        let report = try await self.rule("modes/again").check(on: hosts)
        #expect(report.outcome == .broken)
        #expect(report.happened == "could not start the service: it is not installed")
    }

    @Test func `rules can be checked one after the other on the same hosts`() async {
        let hosts = InMemoryHosts(count: 3)
        for _ in 1...2 {
            let reports = await LockManagerRule.checkAll(on: hosts)
            #expect(reports.filter { $0.outcome == .broken }.map(\.rule.id) == [])
            #expect(reports.contains { $0.outcome == .kept })
        }
    }
}
