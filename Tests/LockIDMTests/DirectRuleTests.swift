import LockCore
import LockIDMEmulation
import LockTesting
import Testing

/// The rules that every lock manager keeps, by a host that talks to the drives itself.
@Suite(.serialized) struct DirectRuleTests {
    @Test(arguments: RuleSetup.all)
    func `every rule is kept`(_ setup: RuleSetup) async throws {
        let world = try DirectHosts(drives: setup.drives, hosts: setup.hosts)
        if setup.hasFailingDrive { world.drives.setFailing(true, drive: 0) }
        let hosts = world.fixture()
        let reports = await LockManagerRule.checkAll(on: hosts)
        await hosts.stop()
        try setup.expectKept(reports)
    }
}
