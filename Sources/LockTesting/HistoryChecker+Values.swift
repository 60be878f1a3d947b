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
        /// It is being lost, so that any reading may come.
        var isBeingLost = false
        /// When it was last lost: answers to what was asked before tell of other content.
        var lostBy = -1
        /// A grant may show nothing: whoever kept the content has gone.
        var mayBeZero = false
        /// When somebody has last gone.
        var goneBy = -1
        /// When each host last saw or wrote the block.
        var seen: [UInt64: Int] = [:]
    }

    mutating func valueBlocks(_ trace: HistoryTrace) {
        if self.history.promises.valueBlock == .none { return self.notPromised() }
        var blocks: [Resource.ID: Block] = [:]
        var names: [Lockspace.ID: Set<Resource.Name>] = [:]
        // Hosts that were lost and have not joined anew. What one waits for may be granted to it
        // until the others have missed it, and the content then goes with it.
        var missing: Set<UInt64> = []
        for (index, event) in self.history.events.enumerated() {
            switch event.what {
            case .answered(let id, let answer):
                guard let call = trace.calls[id], call.answered == index else { continue }
                if case .leave(let lockspace) = call.request {
                    self.hostsWent(lockspace, names, &blocks, index)
                } else if case .join(let lockspace, _) = call.request, case .joined = answer {
                    if missing.remove(event.host) != nil {
                        self.hostsWent(lockspace, names, &blocks, index)
                    }
                } else if let resource = call.request.resource {
                    names[resource.lockspace, default: []].insert(resource.name)
                    self.answered(call, answer, &blocks[resource, default: Block()], index)
                    if !missing.isEmpty, !self.history.promises.keepsValueBlocks {
                        blocks[resource]?.mayBeZero = true
                    }
                }
            case .losingValueBlock(let resource):
                blocks[resource, default: Block()].isBeingLost = true
            case .lostValueBlock(let resource):
                blocks[resource] = Block(lostBy: index)
            case .losing(let lockspace, _, _), .lost(let lockspace):
                missing.insert(event.host)
                for lockspace in lockspace.map({ [$0] }) ?? Array(names.keys) {
                    self.hostsWent(lockspace, names, &blocks, index)
                }
            case .restarted:
                for lockspace in names.keys { self.hostsWent(lockspace, names, &blocks, index) }
            case .asked, .queued, .cancelled: break
            }
            if self.isRefuted { return }
        }
    }

    private func hostsWent(
        _ lockspace: Lockspace.ID, _ names: [Lockspace.ID: Set<Resource.Name>],
        _ blocks: inout [Resource.ID: Block], _ index: Int
    ) {
        guard !self.history.promises.keepsValueBlocks else { return }
        for name in names[lockspace] ?? [] {
            let resource = Resource.ID(lockspace: lockspace, name: name)
            blocks[resource]?.mayBeZero = true
            blocks[resource]?.goneBy = index
        }
    }

    private mutating func answered(
        _ call: HistoryCall, _ answer: History.Answer, _ block: inout Block, _ index: Int
    ) {
        // What a host writes or reads after it was lost says nothing for sure, and what it asked
        // for before the content was lost may be about that.
        guard !call.isVoid, call.asked > block.lostBy else { return }
        switch (call.request, answer) {
        case (.release(_, let value?), .done), (.convert(_, _, let value?), .outcome(.granted)):
            // Who was granted the lock before the answer came saw what was written, and went on.
            if block.establishedBy.map({ $0 < call.asked }) ?? true {
                block.version = value.resourceVersion
                block.establishedBy = index
            }
            block.written = (call.host, call.asked, index)
            block.seen[call.host] = index
            if call.asked > block.goneBy { block.mayBeZero = false }
        case (.forget, _):
            block.seen[call.host] = nil
            if !self.history.promises.keepsValueBlocks {
                block.mayBeZero = true
                block.goneBy = index
            }
        default: break
        }
        guard let grant = answer.grant else { return }
        self.read(grant.value, call, &block, index)
    }

    private mutating func read(
        _ reading: ValueBlockReading, _ call: HistoryCall, _ block: inout Block, _ index: Int
    ) {
        let lastSeen = block.seen.updateValue(index, forKey: call.host)
        switch reading {
        case .value(let value):
            let isExcused = block.isBeingLost || (block.mayBeZero && value.resourceVersion == 0)
            guard value.resourceVersion >= block.version || isExcused else {
                return self.refute(
                    [block.establishedBy, index].compactMap { $0 },
                    "host \(call.host) reads version \(value.resourceVersion), after "
                        + "\(block.version)")
            }
            block.version = value.resourceVersion
            block.establishedBy = index
            if !block.isBeingLost { self.held() }
        case .unchanged:
            guard let written = block.written, written.host != call.host, !block.isBeingLost,
                written.asked > lastSeen ?? .max
            else { return self.held() }
            self.refute(
                [lastSeen, written.event, index].compactMap { $0 },
                "host \(call.host) reads that nothing has changed, but host \(written.host) "
                    + "wrote since")
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
