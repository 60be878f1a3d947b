import LockTesting
import Testing

@testable import LockDLM

/// The rules of every lock manager, on a kernel that answers as libdlm and DLM do.
@Suite struct RuleTests {
    /// What keeps a rule from applying to DLM, or to this kernel.
    private static let reasons: Set<String> = [
        "no change stamp", "there is a value block", "the manager counts no generations",
        "the manager does not know owners", "the manager does not watch hosts",
        "the manager has adoption", "the manager has no fencing tokens",
        "there is no way to cut off a host", "there is no way to make a call take long",
        "there is no way to take a lockspace from a host",
    ]

    @Test(arguments: LockManagerRule.all, [1, 7, 23] as [UInt64])
    func `is kept`(_ rule: LockManagerRule, seed: UInt64) async {
        let world = SimulatedWorld(seed: seed)
        let report = await rule.check(on: world.hosts(3))
        #expect(report.outcome != .broken, "\(report)")
        #expect(world.kernel.misuse.isEmpty)
        if case .notApplicable(let reason) = report.outcome {
            #expect(Self.reasons.contains(reason), "\(report)")
        }
    }
}
