import LockCore
import LockIDMEmulation
import LockTesting
import Testing

/// The rules that every lock manager keeps, through the IDM lock manager's socket.
@Suite(.serialized) struct ManagerRuleTests {
    @Test(arguments: RuleSetup.all)
    func `every rule is kept`(_ setup: RuleSetup) async throws {
        let world = try ManagerHosts(drives: setup.drives, hosts: setup.hosts)
        if setup.hasFailingDrive { world.bench.drives.setFailing(true, drive: 0) }
        let hosts = world.fixture()
        let reports = await LockManagerRule.checkAll(on: hosts)
        await hosts.stop()
        try setup.expectKept(reports)
    }
}

/// How many drives and hosts rules are checked with.
struct RuleSetup: CustomTestStringConvertible, Sendable {
    var drives: Int
    var hosts: Int
    var hasFailingDrive = false

    /// The whole of it, and without `HOLDFAST_LONG_RUNS` what tells most in little time.
    static let all: [RuleSetup] = {
        guard isFull else {
            return [
                RuleSetup(drives: 1, hosts: 3), RuleSetup(drives: 2, hosts: 2),
                RuleSetup(drives: 3, hosts: 3, hasFailingDrive: true),
                RuleSetup(drives: 5, hosts: 3),
            ]
        }
        return [2, 3].flatMap { hosts in
            [1, 2, 3, 5].map { RuleSetup(drives: $0, hosts: hosts) }
                + [3, 5].map { RuleSetup(drives: $0, hosts: hosts, hasFailingDrive: true) }
        }
    }()

    var testDescription: String {
        "\(self.drives) drives\(self.hasFailingDrive ? ", one failing" : ""), \(self.hosts) hosts"
    }

    /// No rule is broken, and those that need nothing special have been checked.
    func expectKept(_ reports: [RuleReport]) throws {
        for report in reports { #expect(report.outcome != .broken, "\(self): \(report)") }
        print("\(self.testDescription): \(reports.summary)")
        let kept = reports.count { $0.outcome == .kept }
        #expect(kept >= (self.hosts == 3 ? 50 : 42), "\(reports.summary)")
    }
}
