import LockTesting
import Testing

@testable import LockDLM

/// The rules of every lock manager, on a kernel that answers as libdlm and DLM do.
@Suite struct RuleTests {
    @Test(arguments: LockManagerRule.all, [1, 7, 23] as [UInt64])
    func `is kept`(_ rule: LockManagerRule, seed: UInt64) async {
        let world = SimulatedWorld(seed: seed)
        let report = await rule.check(on: world.hosts(3))
        #expect(report.outcome != .broken, "\(report)")
        #expect(world.kernel.misuse.isEmpty)
    }
}
