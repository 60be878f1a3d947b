import LockCore

// The rules about what grants carry: value blocks and tokens.
extension HistoryRuleCheck {
    /// What is known of one value block.
    private struct Block {
        /// The highest version that a grant has shown or that was written, and where.
        var version: UInt32 = 0
        var establishedBy: Int?
        /// The last write: who wrote, and when it was sent and answered.
        var written: (host: UInt64, asked: Int, event: Int)?
        /// Writes that may have reached the others already, or will.
        var sent: [History.CallID: UInt32] = [:]
        /// It is being lost, so that any reading may come.
        var isBeingLost = false
        /// When it was last lost: answers to what was asked before tell of other content.
        var lostBy = -1
        /// Forgets that have not been answered, and when the last one was.
        var forgets: Set<History.CallID> = []
        var forgottenBy = -1
        /// When each host last saw or wrote the block: the answer.
        var seen: [UInt64: Int] = [:]
        /// The same in the host's membership of now, unless it has forgotten it: the question.
        var known: [UInt64: Int] = [:]

        /// Nothing is known of the content that was there when somebody went.
        func isInDoubt(since gone: Int) -> Bool { gone > self.written?.asked ?? -1 }
    }

    /// Whose going may take contents along, where they do not outlive their hosts.
    private struct Departures {
        /// Hosts that were lost and have not joined anew. What one waits for may be granted to it
        /// until the others have missed it, and the content then goes with it.
        var missing: Set<UInt64> = []
        /// Hosts that are leaving, and purges of what ended processes had.
        var underWay: Set<History.CallID> = []
        /// When somebody last went, or came back.
        var last: [Lockspace.ID: Int] = [:]

        /// The last moment at which the content may have been lost.
        func last(_ block: Block, of resource: Resource.ID, at index: Int) -> Int {
            if !self.missing.isEmpty || !self.underWay.isEmpty || !block.forgets.isEmpty {
                return index
            }
            return max(block.forgottenBy, self.last[resource.lockspace] ?? -1)
        }
    }

    /// What the rule about value blocks has seen so far.
    private struct Blocks {
        var all: [Resource.ID: Block] = [:]
        var lockspaces: Set<Lockspace.ID> = []
        var departures = Departures()

        /// A host's memory of the blocks ends with its membership.
        mutating func went(_ host: UInt64, from lockspace: Lockspace.ID?, at index: Int) {
            for id in lockspace.map({ [$0] }) ?? self.lockspaces {
                self.departures.last[id] = index
            }
            for resource in self.all.keys {
                guard lockspace == nil || lockspace == resource.lockspace else { continue }
                self.all[resource]?.known[host] = nil
            }
        }
    }

    mutating func valueBlocks(_ trace: HistoryTrace) {
        if self.history.promises.valueBlock == .none { return self.notPromised() }
        var blocks = Blocks()
        for (index, event) in self.history.events.enumerated() {
            switch event.what {
            case .asked(let id, let request):
                Self.asked(id, request, event.host, &blocks, index)
            case .answered(let id, let answer):
                guard let call = trace.calls[id], call.answered == index else { continue }
                self.answered(id, call, answer, &blocks, index)
            case .losingValueBlock(let resource):
                blocks.all[resource, default: Block()].isBeingLost = true
            case .lostValueBlock(let resource):
                blocks.all[resource] = Block(lostBy: index, forgottenBy: index)
            case .losing(let lockspace, _, _), .lost(let lockspace):
                blocks.departures.missing.insert(event.host)
                blocks.went(event.host, from: lockspace, at: index)
            case .restarted:
                blocks.departures.missing.insert(event.host)
                blocks.went(event.host, from: nil, at: index)
            case .queued, .cancelled: break
            }
            if self.isRefuted { return }
        }
    }

    private static func asked(
        _ id: History.CallID, _ request: History.Request, _ host: UInt64, _ blocks: inout Blocks,
        _ index: Int
    ) {
        blocks.lockspaces.insert(request.lockspace)
        switch request {
        case .leave(let lockspace):
            blocks.departures.underWay.insert(id)
            blocks.went(host, from: lockspace, at: index)
        case .purge:
            blocks.departures.underWay.insert(id)
        case .release(let resource, let value?), .convert(let resource, _, let value?):
            blocks.all[resource, default: Block()].sent[id] = value.resourceVersion
        case .forget(let resource):
            blocks.all[resource, default: Block()].forgets.insert(id)
            blocks.all[resource]?.known[host] = nil
        case .join, .acquire, .release, .convert: break
        }
    }

    private mutating func answered(
        _ id: History.CallID, _ call: HistoryCall, _ answer: History.Answer,
        _ blocks: inout Blocks, _ index: Int
    ) {
        switch (call.request, answer) {
        case (.join(let lockspace, _), .joined):
            if blocks.departures.missing.remove(call.host) != nil {
                blocks.departures.last[lockspace] = index
            }
        case (.leave(let lockspace), _), (.purge(let lockspace), _):
            blocks.departures.underWay.remove(id)
            blocks.departures.last[lockspace] = index
        case (.forget(let resource), _):
            blocks.all[resource]?.forgets.remove(id)
            blocks.all[resource]?.forgottenBy = index
            blocks.all[resource]?.seen[call.host] = nil
        default:
            guard let resource = call.request.resource else { return }
            var block = blocks.all[resource, default: Block()]
            // What a host writes or reads after it was lost says nothing for sure, and what it
            // asked for before the content was lost may be about that.
            if !call.isVoid, call.asked > block.lostBy {
                let gone = blocks.departures.last(block, of: resource, at: index)
                self.wrote(id, call, answer, &block, index)
                if let grant = answer.grant { self.read(grant.value, call, &block, index, gone) }
            }
            blocks.all[resource] = block
        }
    }

    private func wrote(
        _ id: History.CallID, _ call: HistoryCall, _ answer: History.Answer, _ block: inout Block,
        _ index: Int
    ) {
        switch (call.request, answer) {
        case (.release(_, let value?), .done), (.convert(_, _, let value?), .outcome(.granted)):
            // Who was granted the lock before the answer came saw what was written, and went on.
            if block.establishedBy.map({ $0 < call.asked }) ?? true {
                block.version = value.resourceVersion
                block.establishedBy = index
            }
            block.written = (call.host, call.asked, index)
            block.seen[call.host] = index
            block.known[call.host] = call.asked
            block.sent[id] = nil
        case (.convert, .outcome): block.sent[id] = nil
        default: break
        }
    }

    /// - Parameter gone: The last moment at which the content may have been lost with a host.
    private mutating func read(
        _ reading: ValueBlockReading, _ call: HistoryCall, _ block: inout Block, _ index: Int,
        _ gone: Int
    ) {
        let promises = self.history.promises
        let lastSeen = block.seen.updateValue(index, forKey: call.host)
        let lastKnown = block.known[call.host]
        switch reading {
        case .value(let value):
            let mayBeZero =
                !promises.keepsValueBlocks && block.isInDoubt(since: gone)
                && (lastKnown == nil || !promises.tellsLostValueBlocks)
            let isExcused =
                block.isBeingLost || (mayBeZero && value.resourceVersion == 0)
                || block.sent.values.contains(value.resourceVersion)
            guard value.resourceVersion >= block.version || isExcused else {
                return self.refute(
                    [block.establishedBy, index].compactMap { $0 },
                    "host \(call.host) reads version \(value.resourceVersion), after "
                        + "\(block.version)")
            }
            block.version = value.resourceVersion
            block.establishedBy = index
            block.known[call.host] = call.asked
            if !block.isBeingLost { self.held() }
        case .unchanged:
            guard let written = block.written, written.host != call.host, !block.isBeingLost,
                written.asked > lastSeen ?? .max
            else { return self.held() }
            self.refute(
                [lastSeen, written.event, index].compactMap { $0 },
                "host \(call.host) reads that nothing has changed, but host \(written.host) "
                    + "wrote since")
        case .changed where promises.valueBlock != .changeStamp:
            // Only what was lost has changed to nobody knows what.
            let mayBeLost = !promises.keepsValueBlocks && gone > lastKnown ?? -1
            guard mayBeLost || block.isBeingLost || block.lostBy > lastKnown ?? -1 else {
                return self.refute(
                    [lastKnown, index].compactMap { $0 },
                    "host \(call.host) reads that the content was lost, but nobody has gone")
            }
            if block.isInDoubt(since: gone) {
                block.version = 0
                block.establishedBy = index
            }
            self.held()
        case .changed, .unknown: self.held()
        }
    }

    // MARK: Tokens

    mutating func tokens(_ trace: HistoryTrace) {
        guard self.history.promises.fencingTokens else { return self.notPromised() }
        struct Highest {
            var token: FencingToken
            var host: UInt64
            var event: Int
        }
        var highest: [Resource.ID: Highest] = [:]
        var highestWhenAsked: [History.CallID: Highest] = [:]
        for (index, event) in self.history.events.enumerated() {
            guard let id = event.what.call, let call = trace.calls[id],
                let resource = call.request.resource
            else { continue }
            if call.asked == index { highestWhenAsked[id] = highest[resource] }
            guard call.answered == index, let token = call.answer?.grant?.token,
                call.request.isExclusiveGrant
            else { continue }
            // A grant that outlived its membership may come late: it counts from its sending.
            let before = call.isVoid ? highestWhenAsked[id] : highest[resource]
            // A hold that is taken over keeps its token, as does one that was exclusive all along,
            // unknown to the driver.
            let mayBeSame = call.request.adopts || before?.host == call.host
            if let before, token < before.token || (token == before.token && !mayBeSame) {
                return self.refute(
                    [before.event, index],
                    "host \(call.host) gets token \(token.rawValue), after "
                        + "\(before.token.rawValue)")
            }
            if token >= highest[resource]?.token ?? token {
                highest[resource] = Highest(token: token, host: call.host, event: index)
            }
            self.held()
        }
    }
}

extension History.Request {
    fileprivate var isExclusiveGrant: Bool {
        switch self {
        case .acquire(_, .exclusive, _), .convert(_, .exclusive, _): true
        default: false
        }
    }

    fileprivate var adopts: Bool {
        if case .acquire(_, _, let options) = self { options.adopting != .none } else { false }
    }
}
