/// One rule of the contract between the engine and a lock manager, with its check.
///
/// Each rule is a test of its own:
///
/// ```swift
/// @Test(arguments: LockManagerRule.all)
/// func keeps(_ rule: LockManagerRule) async {
///     let hosts = LocalHosts(count: 3) { _ in FolderLockManager(folder: folder) }
///     let report = await rule.check(on: hosts)
///     #expect(report.outcome != .broken, "\(report)")
/// }
/// ```
public struct LockManagerRule: Sendable, Identifiable, CustomStringConvertible {
    typealias Body = @Sendable (RuleRun) async throws(RuleStop) -> Void

    /// A short name that does not change: its area and itself, such as `modes/shared-together`.
    public let id: String
    /// What the rule demands, in a sentence.
    public let sentence: String
    /// What manager and hosts have to be able to do for the rule to apply.
    public let needs: Set<RuleNeed>
    /// How many hosts the check uses.
    public let hostsNeeded: Int
    let body: Body

    init(
        _ id: String, _ sentence: String, needs: Set<RuleNeed> = [], hosts: Int = 2,
        _ body: @escaping Body
    ) {
        self.id = id
        self.sentence = sentence
        self.needs = needs
        self.hostsNeeded = hosts
        self.body = body
    }

    /// The sentence.
    public var description: String { self.sentence }

    /// Every rule.
    public static let all: [LockManagerRule] =
        modes + conversion + valueBlock + waiting + contention + tokens + adoption + loss
        + failure + forgetting + hosts + resources

    /// Checks the rule on hosts that may have been used before, in a volume group of its own, and
    /// leaves that. Always returns: a manager that does not answer breaks the rule.
    public func check(on fixture: some HostFixture) async -> RuleReport {
        await RuleRun.check(self, on: fixture)
    }

    /// Checks every rule, one after the other.
    public static func checkAll(on fixture: some HostFixture) async -> [RuleReport] {
        var reports: [RuleReport] = []
        for rule in Self.all { reports.append(await rule.check(on: fixture)) }
        return reports
    }
}
