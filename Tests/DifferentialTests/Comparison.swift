import DaemonHarness

/// The first place where our daemon's outcomes differ from the peer's without a known reason.
struct Divergence: CustomStringConvertible {
    let index: Int
    let what: String
    let peer: String
    let ours: String

    var description: String {
        "step \(self.index), \(self.what): peer \(self.peer), ours \(self.ours)"
    }
}

/// Compares what two daemons made of the same steps, field by field of what the peer sends.
struct Comparison {
    let kind: Kind
    private(set) var divergence: Divergence?
    private(set) var explained: [String: Int] = [:]
    /// A known difference after which the two are in different states.
    private var ended = false

    init(kind: Kind, peer: [Outcome], ours: [Outcome]) {
        self.kind = kind
        for (index, (peer, ours)) in zip(peer, ours).enumerated() {
            self.compare(index, peer, ours)
            if self.divergence != nil || self.ended { return }
        }
        if peer.count != ours.count {
            self.divergence = Divergence(
                index: min(peer.count, ours.count), what: "steps done", peer: "\(peer.count)",
                ours: "\(ours.count)")
        }
    }

    private mutating func compare(_ index: Int, _ peer: Outcome, _ ours: Outcome) {
        switch (peer.answer, ours.answer) {
        case (.reply(let peerReply), .reply(let ourReply)):
            self.compare(index, peer.step, "reply", peerReply, ourReply)
        case (.waits, .waits), (.closed, .closed), (.missing, .missing):
            break
        default:
            self.note(index, peer.step, "answer", "\(peer.answer)", "\(ours.answer)")
        }
        for client in Set(peer.lateReplies.keys).union(ours.lateReplies.keys).sorted() {
            let what = "reply to waiting client \(client)"
            switch (peer.lateReplies[client], ours.lateReplies[client]) {
            case (let peerReply?, let ourReply?):
                self.compare(index, peer.step, what, peerReply, ourReply)
            case (let peerReply, let ourReply):
                self.note(
                    index, peer.step, what, peerReply.map { "\($0)" } ?? "waits",
                    ourReply.map { "\($0)" } ?? "waits")
            }
        }
    }

    private mutating func compare(
        _ index: Int, _ step: Step, _ what: String, _ peer: Message, _ ours: Message
    ) {
        for field in peer.fields where ours[field.key] != field.value {
            self.note(
                index, step, "\(what) \(field.key)", field.value, ours[field.key] ?? "absent",
                result: peer["op_result"])
        }
    }

    private mutating func note(
        _ index: Int, _ step: Step, _ what: String, _ peer: String, _ ours: String,
        result: String? = nil
    ) {
        guard self.divergence == nil, !self.ended else { return }
        let place = KnownDifference.Place(
            kind: self.kind, step: step, what: what, peer: peer, ours: ours, peerResult: result)
        if let known = KnownDifference.all.first(where: { $0.matches(place) }) {
            self.explained[known.name, default: 0] += 1
            self.ended = known.statesDiffer
        } else {
            self.divergence = Divergence(index: index, what: what, peer: peer, ours: ours)
        }
    }
}
