#if Sanlock
import LockTesting
import Testing

/// The rules on real sanlock daemons. What has to expire takes more than a minute, of waiting
/// and not of work; so several rules go side by side, each on hosts of its own.
@Suite(.timeLimit(.minutes(15))) struct SanlockRuleTests {
    /// Why a rule may not apply to sanlock.
    private static func reasons(_ keeping: SanlockHosts.Keeping) -> Set<String> {
        let always: Set = [
            "the manager has no queue", "no change stamp", "the manager has adoption",
        ]
        return switch keeping {
        case .nothing:
            always.union(["no value block with bytes", "the manager has no fencing tokens"])
        case .valuesAndTokens: always.union(["there is a value block"])
        }
    }

    @Test(arguments: LockManagerRule.all, SanlockHosts.Keeping.allCases)
    func `is kept by real sanlock hosts`(
        _ rule: LockManagerRule, _ keeping: SanlockHosts.Keeping
    ) async throws {
        let report = try await Lanes.all.pass {
            let hosts = try SanlockHosts(count: rule.hostsNeeded, keeping: keeping)
            let report = await rule.check(on: hosts.hosts)
            await hosts.stop()
            return report
        }
        print("\(keeping): \(report)")
        #expect(report.outcome != .broken, "\(keeping): \(report)")
        if case .notApplicable(let reason) = report.outcome {
            #expect(Self.reasons(keeping).contains(reason), "\(report)")
        }
    }
}
#endif
