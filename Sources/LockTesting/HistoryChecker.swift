/// Proves or refutes that a recorded run kept what lock managers promise, one rule at a time.
///
/// A refutation is sound: it never blames the manager for the time that messages take to the driver
/// and back. A rule that is proved has held as far as the driver could see, in this run.
///
/// The work grows with the number of events n as n log n.
public struct HistoryChecker: Sendable {
    /// What is checked.
    public enum Rule: String, Hashable, Sendable, CaseIterable {
        /// No two hosts have holds that exclude each other.
        case mutualExclusion = "mutual exclusion"
        /// Every call is answered, and once.
        case exactlyOnceReplies = "exactly-once replies"
        /// Nobody overtakes a request that was known to stand in the queue and is granted later.
        case firstInFirstOut = "first in, first out"
        /// What a grant tells of the value block is not older than what was written or read before,
        /// and its content is lost only when somebody went who may take it along.
        case valueBlocksNeverGoBack = "value blocks never go back"
        /// The token of an exclusive grant is higher than all before.
        case tokensGrow = "tokens grow"
        /// A host that is not, or no longer, in a lockspace is granted nothing that it asks for.
        case noGrantToLostHosts = "no grant to a host that was lost"
    }

    /// How a hold ended, as far as others are concerned.
    public enum Ending: String, Hashable, Sendable, CaseIterable {
        /// The driver released it.
        case released
        /// It became one in another mode.
        case converted
        /// The host left the lockspace.
        case left
        /// The host's process was restarted by a manager that keeps nothing for the next one.
        case restarted
        /// A later process took it over.
        case adopted
        /// It was left behind, and purged.
        case purged
        /// Its host joined anew, with a newer generation.
        case rejoined
        /// The time for which it was certain passed, after its host was lost.
        case expired
    }

    /// A rule that was broken.
    public struct Refutation: Hashable, Sendable, CustomStringConvertible {
        /// Which rule.
        public var rule: Rule
        /// What is wrong, in a sentence.
        public var reason: String
        /// The events that cannot all have happened, by their place in the history.
        public var events: [Int]
        /// These events and those around them, in words.
        public var excerpt: String

        /// The rule, the reason, and the excerpt.
        public var description: String {
            "\(self.rule.rawValue) is broken: \(self.reason)\n\(self.excerpt)"
        }
    }

    /// What was found out about one rule.
    public enum Verdict: Hashable, Sendable {
        /// It held, so many times.
        case proved(times: Int)
        /// It was broken; this is the first time.
        case refuted(Refutation)
        /// The manager does not promise it.
        case notPromised
    }

    /// What was found out about a history.
    public struct Report: Sendable, CustomStringConvertible {
        /// The verdict on each rule.
        public var verdicts: [Rule: Verdict]
        /// How often a host was granted what another had lost, by how that one's hold ended.
        public var takeovers: [Ending: Int]

        /// The rules that were broken.
        public var refutations: [Refutation] {
            Rule.allCases.compactMap { rule in
                if case .refuted(let refutation) = self.verdicts[rule] { refutation } else { nil }
            }
        }

        /// True if no rule was broken.
        public var isAccepted: Bool { self.refutations.isEmpty }

        /// One line for each rule, then the refutations.
        public var description: String {
            var lines = Rule.allCases.map { rule in
                switch self.verdicts[rule] {
                case .proved(let times): "kept    \(rule.rawValue), \(times) times"
                case .refuted: "BROKEN  \(rule.rawValue)"
                case .notPromised, nil: "-       \(rule.rawValue): not promised"
                }
            }
            for ending in Ending.allCases {
                guard let count = self.takeovers[ending] else { continue }
                lines.append("taken over after a hold had \(ending.rawValue): \(count)")
            }
            return (lines + self.refutations.map(\.description)).joined(separator: "\n")
        }
    }

    /// A checker of all rules.
    public init() {}

    /// Checks every rule.
    public func check(_ history: History) -> Report {
        let trace = HistoryTrace(history)
        var report = Report(verdicts: [:], takeovers: trace.takeovers)
        for rule in Rule.allCases {
            var check = HistoryRuleCheck(rule, history)
            switch rule {
            case .mutualExclusion: check.mutualExclusion(trace)
            case .exactlyOnceReplies: check.exactlyOnceReplies(trace)
            case .firstInFirstOut: check.firstInFirstOut(trace)
            case .valueBlocksNeverGoBack: check.valueBlocks(trace)
            case .tokensGrow: check.tokens(trace)
            case .noGrantToLostHosts: check.noGrantToLostHosts(trace)
            }
            report.verdicts[rule] = check.verdict
        }
        return report
    }
}

/// The check of one rule under way. It ends with the first refutation.
struct HistoryRuleCheck {
    let rule: HistoryChecker.Rule
    let history: History
    private(set) var verdict = HistoryChecker.Verdict.proved(times: 0)

    init(_ rule: HistoryChecker.Rule, _ history: History) {
        self.rule = rule
        self.history = history
    }

    mutating func notPromised() {
        self.verdict = .notPromised
    }

    /// The rule was put to the test and held.
    mutating func held() {
        if case .proved(let times) = self.verdict { self.verdict = .proved(times: times + 1) }
    }

    /// The rule is broken by these events.
    mutating func refute(_ events: [Int], _ reason: String) {
        if case .refuted = self.verdict { return }
        let events = Set(events).sorted()
        self.verdict = .refuted(
            HistoryChecker.Refutation(
                rule: self.rule, reason: reason, events: events,
                excerpt: self.history.excerpt(about: events)))
    }

    var isRefuted: Bool {
        if case .refuted = self.verdict { true } else { false }
    }
}
