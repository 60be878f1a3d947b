/// What came of checking a rule.
public struct RuleReport: Sendable, CustomStringConvertible {
    /// What can come of it.
    public enum Outcome: Hashable, Sendable {
        /// All was as the rule demands.
        case kept
        /// Something was not.
        case broken
        /// The rule demands nothing here, for this reason. It has not been checked.
        case notApplicable(String)
    }

    /// Which rule.
    public let rule: LockManagerRule
    /// What came of it.
    public let outcome: Outcome
    /// What was done, in order, each step with what came of it.
    public let steps: [String]
    /// What the rule demands at the last step; empty if it was kept.
    public let expected: String
    /// What happened instead.
    public let happened: String

    /// The whole story, for a person to read; one line if the rule was not broken.
    public var description: String {
        switch self.outcome {
        case .kept: "kept: \(self.rule.sentence) (\(self.rule.id))"
        case .notApplicable(let reason):
            "does not apply, \(reason): \(self.rule.sentence) (\(self.rule.id))"
        case .broken: self.story
        }
    }

    private var story: String {
        let steps = self.steps.enumerated().map { "  \($0.offset + 1). \($0.element)" }
        return
            (["BROKEN: \(self.rule.sentence) (\(self.rule.id))"] + steps + [
                "  expected: \(self.expected)", "  happened: \(self.happened)",
            ]).joined(separator: "\n")
    }
}

extension Sequence<RuleReport> {
    /// One line on many reports, such as `48 rules kept, 0 broken, 5 do not apply`.
    public var summary: String {
        var (kept, broken, left) = (0, 0, 0)
        for report in self {
            switch report.outcome {
            case .kept: kept += 1
            case .broken: broken += 1
            case .notApplicable: left += 1
            }
        }
        return "\(kept) rules kept, \(broken) broken, \(left) do not apply"
    }
}
