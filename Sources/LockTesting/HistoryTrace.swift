import LockCore

/// A moment of a history: a time, and where among the events it lies. What ends at a time, by no
/// event, ends before the events of that time.
struct HistoryPoint: Comparable {
    var time: Duration
    var index: Int

    /// Later than everything.
    static let never = HistoryPoint(time: .seconds(Int64.max / 2), index: Int.max)

    static func < (left: HistoryPoint, right: HistoryPoint) -> Bool {
        (left.time, left.index) < (right.time, right.index)
    }
}

/// A host's hold on a resource, as the driver saw it.
struct HistoryHold {
    var host: UInt64
    var resource: Resource.ID
    var mode: LockMode
    var start: HistoryPoint
    /// The manager may hand it over from here on, if nothing ends it before.
    var certainUntil: (point: HistoryPoint, event: Int)?
    /// The driver let go of it here.
    var closed: (point: HistoryPoint, event: Int, how: HistoryChecker.Ending)?

    /// When another host may have it.
    var end: HistoryPoint {
        min(self.closed?.point ?? .never, self.certainUntil?.point ?? .never)
    }

    /// How it ended, and by which event; nil if it never did.
    var ending: (how: HistoryChecker.Ending, event: Int)? {
        if let certain = self.certainUntil, certain.point <= self.closed?.point ?? .never {
            return (.expired, certain.event)
        }
        return self.closed.map { ($0.how, $0.event) }
    }
}

/// A call of the history, with what became of it.
struct HistoryCall {
    var host: UInt64
    var request: History.Request
    var asked: Int
    var answered: Int?
    var answer: History.Answer?
    /// The driver knew from here on that it stood in the queue.
    var queued: Int?
    /// From here on nobody promises that it will be granted: it was called back, or its host went.
    var excused: Int?
    /// The process that sent it ended, or its host crashed: no answer need come.
    var mayStayUnanswered = false
    /// Which membership it was sent in.
    var epoch = 0
    /// The event that had ended the membership when the call was sent; nil while it lasts.
    var lostBefore: Int?
    /// The membership that it was sent in was over when the answer came, so the answer is not news
    /// of a hold that counts.
    var isVoid = false
}

/// What the rules look at: a history's calls and holds, found in one pass.
struct HistoryTrace {
    let history: History
    private(set) var calls: [History.CallID: HistoryCall] = [:]
    private(set) var holds: [HistoryHold] = []
    /// Answers to nothing, and second answers with the first.
    private(set) var strayAnswers: [[Int]] = []

    private struct Place: Hashable {
        var host: UInt64
        var lockspace: Lockspace.ID
    }

    private struct Grip: Hashable {
        var host: UInt64
        var resource: Resource.ID
    }

    private struct Member {
        var isIn = false
        /// A join is under way, and may have succeeded already.
        var isJoining = false
        var epoch = 0
        /// The process that joined ended and left its holds to be adopted.
        var isLeftBehind = false
        /// The event that ended the membership; the beginning, if there was none.
        var lostBy = 0
        var certainUntil: (point: HistoryPoint, event: Int)?
        /// Resources with a hold that is not closed.
        var held: Set<Resource.Name> = []
    }

    private var members: [Place: Member] = [:]
    private var lockspaces: [UInt64: Set<Lockspace.ID>] = [:]
    /// Calls without an answer.
    private var outstanding: [UInt64: Set<History.CallID>] = [:]
    /// Holds that are not closed, and the epoch they were opened in.
    private var open: [Grip: (hold: Int, epoch: Int)] = [:]

    init(_ history: History) {
        self.history = history
        for index in history.events.indices { self.take(index) }
    }

    private func point(_ index: Int) -> HistoryPoint {
        HistoryPoint(time: self.history.events[index].time, index: index)
    }

    private mutating func take(_ index: Int) {
        let event = self.history.events[index]
        switch event.what {
        case .asked(let id, let request): self.asked(id, request, event.host, index)
        case .answered(let id, let answer): self.answered(id, answer, index)
        case .queued(let id):
            if self.calls[id]?.queued == nil { self.calls[id]?.queued = index }
        case .cancelled(let id): self.excuse(id, index)
        case .losing(let lockspace, let certainFor, _):
            self.losing(event.host, lockspace, certainFor, index)
        case .lost(let lockspace): self.lost(event.host, lockspace, index)
        case .restarted(let keepsHolds): self.restarted(event.host, keepsHolds, index)
        case .losingValueBlock, .lostValueBlock: break
        }
    }

    private mutating func excuse(_ id: History.CallID, _ index: Int) {
        if self.calls[id]?.excused == nil { self.calls[id]?.excused = index }
    }

    // MARK: Calls

    private mutating func asked(
        _ id: History.CallID, _ request: History.Request, _ host: UInt64, _ index: Int
    ) {
        let place = Place(host: host, lockspace: request.lockspace)
        self.lockspaces[host, default: []].insert(place.lockspace)
        let member = self.members[place] ?? Member()
        var call = HistoryCall(host: host, request: request, asked: index)
        call.epoch = member.epoch
        call.lostBefore = member.isIn || member.isJoining ? nil : member.lostBy
        self.calls[id] = call
        self.outstanding[host, default: []].insert(id)
        switch request {
        case .join(_, let adopting):
            // A new generation ends what is left of an older one.
            let keeps = member.isLeftBehind && adopting != .none
            if !keeps { self.closeAll(place, index, .rejoined) }
            self.members[place, default: Member()].isJoining = true
        case .leave: self.closeAll(place, index, .left)
        case .purge:
            self.closeAll(place, index, .purged) { $0 != member.epoch }
        case .release(let resource, _):
            self.close(Grip(host: host, resource: resource), index, .released)
        case .convert(let resource, let mode, _):
            let grip = Grip(host: host, resource: resource)
            // On the way down only the weaker mode is sure.
            if let hold = self.open[grip]?.hold, mode < self.holds[hold].mode {
                self.changeMode(grip, to: mode, index)
            }
        case .acquire, .forget: break
        }
    }

    private mutating func answered(
        _ id: History.CallID, _ answer: History.Answer, _ index: Int
    ) {
        guard var call = self.calls[id] else {
            self.strayAnswers.append([index])
            return
        }
        if let first = call.answered {
            self.strayAnswers.append([call.asked, first, index])
            return
        }
        self.outstanding[call.host]?.remove(id)
        let place = Place(host: call.host, lockspace: call.request.lockspace)
        call.answered = index
        call.answer = answer
        var member = self.members[place] ?? Member()
        if case .join = call.request, call.epoch == member.epoch {
            member.isJoining = false
            self.members[place] = member
        }
        call.isVoid = call.lostBefore != nil || call.epoch != member.epoch || !member.isIn
        self.calls[id] = call
        switch (call.request, answer) {
        case (.join, .joined) where call.epoch == member.epoch: self.joined(place)
        case (.leave, .done): self.ended(place, index)
        case (.acquire(let resource, let mode, _), .outcome(.granted)) where !call.isVoid:
            self.open(Grip(host: call.host, resource: resource), mode, member, index)
        case (.convert(let resource, let mode, _), _) where !call.isVoid:
            let grip = Grip(host: call.host, resource: resource)
            self.converted(grip, to: mode, answer, index)
        default: break
        }
    }

    private mutating func converted(
        _ grip: Grip, to mode: LockMode, _ answer: History.Answer, _ index: Int
    ) {
        switch answer {
        case .outcome(.granted): self.changeMode(grip, to: mode, index)
        case .failed(let error) where error.hold == .unknown: break
        default:
            // The way down was not taken.
            if mode == .shared { self.changeMode(grip, to: .exclusive, index, ifItWas: .shared) }
        }
    }

    // MARK: Holds

    private mutating func open(
        _ grip: Grip, _ mode: LockMode, _ member: Member, _ index: Int
    ) {
        self.close(grip, index, .adopted)
        var hold = HistoryHold(
            host: grip.host, resource: grip.resource, mode: mode, start: self.point(index))
        hold.certainUntil = member.certainUntil
        self.open[grip] = (self.holds.count, member.epoch)
        self.holds.append(hold)
        let place = Place(host: grip.host, lockspace: grip.resource.lockspace)
        self.members[place]?.held.insert(grip.resource.name)
    }

    private mutating func changeMode(
        _ grip: Grip, to mode: LockMode, _ index: Int, ifItWas required: LockMode? = nil
    ) {
        guard let (number, epoch) = self.open[grip] else { return }
        var hold = self.holds[number]
        guard hold.mode != mode, required == nil || required == hold.mode else { return }
        self.holds[number].closed = (self.point(index), index, .converted)
        hold.mode = mode
        hold.start = self.point(index)
        self.open[grip] = (self.holds.count, epoch)
        self.holds.append(hold)
    }

    private mutating func close(_ grip: Grip, _ index: Int, _ how: HistoryChecker.Ending) {
        guard let (number, _) = self.open.removeValue(forKey: grip) else { return }
        self.holds[number].closed = (self.point(index), index, how)
        let place = Place(host: grip.host, lockspace: grip.resource.lockspace)
        self.members[place]?.held.remove(grip.resource.name)
    }

    private mutating func closeAll(
        _ place: Place, _ index: Int, _ how: HistoryChecker.Ending,
        where isMeant: (_ epoch: Int) -> Bool = { _ in true }
    ) {
        for name in self.members[place]?.held ?? [] {
            let resource = Resource.ID(lockspace: place.lockspace, name: name)
            let grip = Grip(host: place.host, resource: resource)
            if let epoch = self.open[grip]?.epoch, isMeant(epoch) { self.close(grip, index, how) }
        }
    }

    // MARK: Memberships

    private mutating func joined(_ place: Place) {
        var member = self.members[place] ?? Member()
        member.isIn = true
        member.isLeftBehind = false
        member.certainUntil = nil
        self.members[place] = member
    }

    private mutating func ended(_ place: Place, _ index: Int) {
        self.members[place]?.isIn = false
        self.members[place]?.isJoining = false
        self.members[place]?.isLeftBehind = false
        self.members[place]?.epoch += 1
        self.members[place]?.lostBy = index
    }

    private func places(_ host: UInt64, _ lockspace: Lockspace.ID?) -> [Place] {
        let meant = lockspace.map { [$0] } ?? Array(self.lockspaces[host] ?? [])
        return meant.map { Place(host: host, lockspace: $0) }
    }

    private mutating func losing(
        _ host: UInt64, _ lockspace: Lockspace.ID?, _ certainFor: Duration?, _ index: Int
    ) {
        self.excuseCalls(of: host, lockspace, index)
        guard let certainFor else { return }
        let time = self.history.events[index].time + certainFor
        let until = (point: HistoryPoint(time: time, index: -1), event: index)
        for place in self.places(host, lockspace) {
            for name in self.members[place]?.held ?? [] {
                let resource = Resource.ID(lockspace: place.lockspace, name: name)
                guard let hold = self.open[Grip(host: host, resource: resource)]?.hold else {
                    continue
                }
                if until.point < self.holds[hold].certainUntil?.point ?? .never {
                    self.holds[hold].certainUntil = until
                }
            }
            if until.point < self.members[place]?.certainUntil?.point ?? .never {
                self.members[place]?.certainUntil = until
            }
        }
    }

    private mutating func lost(_ host: UInt64, _ lockspace: Lockspace.ID?, _ index: Int) {
        self.excuseCalls(of: host, lockspace, index)
        for place in self.places(host, lockspace) { self.ended(place, index) }
        if lockspace == nil { self.excuseAnswers(of: host) }
    }

    private mutating func restarted(_ host: UInt64, _ keepsHolds: Bool, _ index: Int) {
        self.excuseCalls(of: host, nil, index)
        self.excuseAnswers(of: host)
        for place in self.places(host, nil) {
            let wasIn = self.members[place]?.isIn ?? false
            if !keepsHolds { self.closeAll(place, index, .restarted) }
            self.ended(place, index)
            self.members[place]?.isLeftBehind = keepsHolds && wasIn
        }
    }

    private mutating func excuseCalls(
        of host: UInt64, _ lockspace: Lockspace.ID?, _ index: Int
    ) {
        for id in self.outstanding[host] ?? []
        where lockspace == nil || self.calls[id]?.request.lockspace == lockspace {
            self.excuse(id, index)
        }
    }

    private mutating func excuseAnswers(of host: UInt64) {
        for id in self.outstanding[host] ?? [] { self.calls[id]?.mayStayUnanswered = true }
    }
}
