import LockCore

// The rules about holds and answers.
extension HistoryRuleCheck {
    /// Holds of one resource in the order in which they begin, with those that have not ended.
    private struct Sweep {
        var exclusive: HistoryHold?
        var shared: [HistoryHold] = []

        /// The hold in the way of a new one, which is added. Each shared hold is looked at once:
        /// an exclusive one that begins finds all others ended, or is refuted.
        mutating func add(_ hold: HistoryHold) -> HistoryHold? {
            if let exclusive, exclusive.end <= hold.start || exclusive.host == hold.host {
                self.exclusive = exclusive.end <= hold.start ? nil : exclusive
            } else if let exclusive {
                return exclusive
            }
            guard hold.mode == .exclusive else {
                self.shared.append(hold)
                return nil
            }
            self.shared.removeAll { $0.end <= hold.start || $0.host == hold.host }
            self.exclusive = hold
            return self.shared.first
        }
    }

    mutating func mutualExclusion(_ trace: HistoryTrace) {
        var sweeps: [Resource.ID: Sweep] = [:]
        for hold in trace.holdsByStart {
            guard hold.start < hold.end else { continue }
            guard let other = sweeps[hold.resource, default: Sweep()].add(hold) else {
                self.held()
                continue
            }
            let grants = [other.start.index, hold.start.index]
            self.refute(
                grants + [other.ending?.event].compactMap { $0 },
                "host \(hold.host) was granted \(hold.resource.name) \(hold.mode) "
                    + "while host \(other.host) had it \(other.mode)")
            return
        }
    }

    mutating func exactlyOnceReplies(_ trace: HistoryTrace) {
        for stray in trace.strayAnswers {
            let twice = stray.count > 1
            self.refute(stray, twice ? "a call is answered twice" : "nobody asked for an answer")
            return
        }
        for call in trace.calls.values.sorted(by: { $0.asked < $1.asked }) {
            if call.answered != nil || call.mayStayUnanswered || !self.history.isComplete {
                if call.answered != nil { self.held() }
                continue
            }
            self.refute([call.asked], "a call is never answered")
            return
        }
    }

    mutating func noGrantToLostHosts(_ trace: HistoryTrace) {
        for (index, call) in trace.grants {
            guard let lost = call.lostBefore else {
                self.held()
                continue
            }
            self.refute(
                [lost, call.asked, index],
                "host \(call.host) is granted what it asked for outside of any membership")
            return
        }
    }

    /// Requests that wait in one resource's queue, the longest wait first.
    private struct Queue {
        var calls: [HistoryCall] = []
        var first = 0

        /// The request that has waited longest at this point, if any.
        mutating func head(at index: Int) -> HistoryCall? {
            while self.first < self.calls.count {
                let call = self.calls[self.first]
                if min(call.answered ?? .max, call.excused ?? .max) > index { return call }
                self.first += 1
            }
            return nil
        }
    }

    /// One queue for each mode that is waited for.
    private struct Line: Hashable {
        var resource: Resource.ID
        var mode: LockMode
    }

    mutating func firstInFirstOut(_ trace: HistoryTrace) {
        guard self.history.promises.grantsInOrder else { return self.notPromised() }
        var queues: [Line: Queue] = [:]
        for index in self.history.events.indices {
            guard let id = self.history.events[index].what.call, let call = trace.calls[id],
                case .acquire(let resource, let mode, let options) = call.request
            else { continue }
            if call.queued == index, call.answer?.grant != nil {
                queues[Line(resource: resource, mode: mode), default: Queue()].calls.append(call)
            }
            guard call.answered == index, call.answer?.grant != nil, !call.isVoid,
                options.adopting == .none
            else { continue }
            // Shared grants that belong together may come to the driver in any order.
            for other in [LockMode.shared, .exclusive] where !other.isCompatible(with: mode) {
                let line = Line(resource: resource, mode: other)
                guard let head = queues[line]?.head(at: index), let queued = head.queued,
                    queued < call.asked
                else { continue }
                self.refute(
                    [queued, call.asked, index] + [head.answered].compactMap { $0 },
                    "host \(call.host) overtook host \(head.host), which was waiting already")
                return
            }
            self.held()
        }
    }
}

extension HistoryTrace {
    /// The holds in the order in which they begin.
    var holdsByStart: [HistoryHold] {
        // They are opened in the order of the events, so they are sorted already.
        self.holds
    }

    /// The calls that were granted something, in the order of the grants.
    var grants: [(answered: Int, call: HistoryCall)] {
        self.calls.values.compactMap { call in
            guard call.answer?.grant != nil, let answered = call.answered else { return nil }
            return (answered, call)
        }.sorted { $0.answered < $1.answered }
    }

    /// How often a host was granted what another had lost.
    var takeovers: [HistoryChecker.Ending: Int] {
        var taken: [HistoryChecker.Ending: Int] = [:]
        var lost: [Resource.ID: [HistoryHold]] = [:]
        let endings: Set<HistoryChecker.Ending> = [.restarted, .purged, .rejoined, .expired]
        // What was lost is known when it ends, so both lists go by time.
        let ends = self.holds.filter { $0.ending.map { endings.contains($0.how) } ?? false }
            .sorted { $0.end < $1.end }
        var next = 0
        for hold in self.holdsByStart where hold.start < hold.end {
            while next < ends.count, ends[next].end <= hold.start {
                lost[ends[next].resource, default: []].append(ends[next])
                next += 1
            }
            guard let before = lost[hold.resource] else { continue }
            for other in before
            where other.host != hold.host && !other.mode.isCompatible(with: hold.mode) {
                if let how = other.ending?.how { taken[how, default: 0] += 1 }
            }
            lost[hold.resource] = nil
        }
        return taken
    }
}
