import DaemonHarness

/// Both daemons in one sandbox, started anew for each sequence.
struct DaemonPair {
    static let stepsPerSequence = 100
    /// How often a sequence must differ in a row: lvmlockd's threads race with each other when a
    /// client closes or cancels.
    static let timesInARow = 3

    let kind: Kind
    private let sandbox: Sandbox

    init(kind: Kind) throws {
        self.kind = kind
        self.sandbox = try Sandbox(
            names: SequenceGenerator.volumeGroups.map { "\($0)-lvmlock" })
    }

    /// Plays a sequence to the peer as the generator makes it, and then the same steps to ours.
    func compare(_ generator: SequenceGenerator) throws -> PairOutcomes {
        let peer = try SequenceRun.outcomes(
            of: generator, count: Self.stepsPerSequence, kind: self.kind, daemon: self.peer())
        let ours = try SequenceRun.outcomes(
            of: peer.map(\.step), kind: self.kind, daemon: self.ours())
        return PairOutcomes(kind: self.kind, peer: peer, ours: ours)
    }

    /// Plays recorded steps to both.
    func compare(_ steps: [Step]) throws -> PairOutcomes {
        let peer = try SequenceRun.outcomes(of: steps, kind: self.kind, daemon: self.peer())
        let ours = try SequenceRun.outcomes(of: steps, kind: self.kind, daemon: self.ours())
        return PairOutcomes(kind: self.kind, peer: peer, ours: ours)
    }

    /// Do they differ each time?
    func differs(_ steps: [Step], times: Int) throws -> Bool {
        for _ in 0..<times where try self.compare(steps).comparison.divergence == nil {
            return false
        }
        return true
    }

    /// The fewest steps that still differ, and what came of them.
    func transcript(ofShrunk steps: [Step], seed: Int) throws -> String {
        var result = try self.compare(self.shrink(steps))
        if result.comparison.divergence == nil { result = try self.compare(steps) }
        let divergence = result.comparison.divergence
        var lines = ["\(self.kind), seed \(seed): \(divergence.map { "\($0)" } ?? "not always")"]
        for (index, (peer, ours)) in zip(result.peer, result.ours).enumerated() {
            lines.append("\(index): \(peer.step)")
            lines.append("    peer \(describe(peer))")
            lines.append("    ours \(describe(ours))")
        }
        return lines.joined(separator: "\n")
    }

    /// Leaves out what comes after the difference, then ever smaller parts of the rest.
    private func shrink(_ steps: [Step]) throws -> [Step] {
        // lvmlockd takes three seconds to start a sanlock volume group.
        let deadline = ContinuousClock.now + .seconds(self.kind == .dlm ? 20 : 90)
        var steps = steps
        if let last = try self.compare(steps).comparison.divergence?.index {
            let shorter = Array(steps.prefix(last + 1))
            if try self.differs(shorter, times: Self.timesInARow) { steps = shorter }
        }
        var chunk = steps.count / 2
        while chunk > 0 {
            var start = 0
            while start < steps.count, ContinuousClock.now < deadline {
                var fewer = steps
                fewer.removeSubrange(start..<min(start + chunk, steps.count))
                if try self.differs(fewer, times: Self.timesInARow) {
                    steps = fewer
                } else {
                    start += chunk
                }
            }
            chunk /= 2
        }
        return steps
    }

    private func peer() throws -> Daemon {
        try self.daemon(Repository.peer, name: "peer")
    }

    private func ours() throws -> Daemon {
        try self.daemon(Repository.daemon, name: "ours")
    }

    private func daemon(_ binary: String, name: String) throws -> Daemon {
        try Daemon(
            binary, ["--test", "-g", self.kind.rawValue], socket: "/run/lvm/\(name).socket",
            pidFile: "/run/\(name).pid", in: self.sandbox)
    }
}

/// What both daemons made of the same steps.
struct PairOutcomes {
    let peer: [Outcome]
    let ours: [Outcome]
    let comparison: Comparison

    init(kind: Kind, peer: [Outcome], ours: [Outcome]) {
        self.peer = peer
        self.ours = ours
        self.comparison = Comparison(kind: kind, peer: peer, ours: ours)
    }
}

private func describe(_ outcome: Outcome) -> String {
    let late = outcome.lateReplies.sorted { $0.key < $1.key }
        .map { "; client \($0.key), which waited: \(brief($0.value))" }.joined()
    switch outcome.answer {
    case .reply(let reply): return brief(reply) + late
    case .waits: return "waits" + late
    case .closed: return "closed" + late
    case .missing: return "no answer" + late
    }
}

private func brief(_ reply: Message) -> String {
    let shown = reply.fields.filter { field in
        !["response", "op", "lm_result"].contains(field.key) && field.value != "none"
    }
    return shown.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
}
