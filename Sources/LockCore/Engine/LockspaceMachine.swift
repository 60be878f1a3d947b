/// Decides about one lockspace of this host: its life from start to stop, which requests it takes
/// when, and, through the ``ResourceMachine``s it owns, everything about its locks.
package struct LockspaceMachine: Sendable {
    /// Where the lockspace is in its life.
    package enum State: Hashable, Sendable {
        /// The manager checks whether a join can work. Next: joining, failed.
        case preparing
        /// The manager joins. Next: started, failed, or clearing if a stop came meanwhile.
        case joining
        /// Locks are taken and released. Next: clearing.
        case started
        /// Every hold is being released. Next: leaving.
        case clearing
        /// The manager leaves. Next: stopped, or started if it could not leave.
        case leaving
        /// This host is not in the lockspace any more. Final.
        case stopped
        /// This host could not join. Final.
        case failed
    }

    /// A change of state that others wait for.
    package enum Milestone: Hashable, Sendable {
        case prepared(Prepared)
        /// Locks are served: after the join, and again after a leave that failed.
        case started
        case failed(LockManagerError)
        case stopping
        case stopped(LeaveReason)
        /// No lock is held any more.
        case unused
    }

    /// Why and on whose behalf the lockspace stops.
    struct Stop: Hashable, Sendable {
        var reason: LeaveReason
        var answering: [ActionID]
    }

    /// A question to the manager on behalf of an action.
    enum Question: Hashable, Sendable {
        case busy
        case leave(LeaveReason)
    }

    package internal(set) var lockspace: Lockspace
    package let capabilities: LockManagerCapabilities
    package internal(set) var state = State.preparing
    package internal(set) var membership: Membership?
    /// The storage was lost: only letting go is allowed.
    package internal(set) var isKilled = false
    package internal(set) var resources = ResourceTable()
    /// How many locks are held; the second counts logical volumes only.
    package internal(set) var lockCount = 0
    package internal(set) var volumeLockCount = 0
    /// Inputs that were handed to a resource's machine: a measure of work that no clock disturbs.
    package internal(set) var steps: UInt64 = 0

    let options: JoinOptions
    /// Spreads the pauses of hosts that ask again for the same resource.
    let salt: UInt64
    /// The action that asked for the start, until it is answered, and whether it waits for the end.
    var starting: (id: ActionID, waits: Bool)?
    var stop: Stop?
    var questions: [ActionID: Question] = [:]
    /// Requests that wait until the lockspace has started.
    var early: [(ActionID, Client.ID, Action)] = []
    /// The places of the resources where a client has locks or requests, or had some that ended
    /// with somebody else's.
    var placesOfClient: [Client.ID: Set<Int>] = [:]

    /// A lockspace that begins to start.
    package init(
        _ lockspace: Lockspace, _ capabilities: LockManagerCapabilities, _ options: JoinOptions,
        salt: UInt64
    ) {
        self.lockspace = lockspace
        self.capabilities = capabilities
        self.options = options
        self.salt = salt
        // Every lockspace has the volume group's resource from the beginning.
        _ = self.placeOfResource(.volumeGroup)
    }

    /// How often this host had joined, with this membership; 0 if the manager counts none.
    package var generation: UInt64 { self.membership?.generation ?? 0 }
    package var isStarting: Bool { self.state == .preparing || self.state == .joining }
    package var isOver: Bool { self.state == .stopped || self.state == .failed }
    package var isEnding: Bool { self.isStopping || self.isOver }
    package var isStopping: Bool { self.stop != nil && !self.isOver }

    /// The place of a resource's machine, which is made if there is none.
    mutating func placeOfResource(_ name: Resource.Name) -> Int {
        let isVolume = if case .logicalVolume = name { true } else { false }
        return self.resources.place(
            of: name,
            makingWith: ResourceMachine.Traits(
                name: name,
                keepsValueBlock: !isVolume && self.capabilities.valueBlock != .none,
                waitsInQueue: self.capabilities.waitsInQueue, salt: self.salt))
    }

    // MARK: Start

    /// The first effect of a new machine. The action is answered after the quick checks, or, if it
    /// waits, when the join has ended.
    package mutating func start(for id: ActionID?, waits: Bool) -> [Effect] {
        self.starting = id.map { ($0, waits) }
        return [.askLockspace(.prepare(self.options))]
    }

    package mutating func prepareAnswered(
        _ answer: Result<Prepared, LockManagerError>
    ) -> [Effect] {
        precondition(self.state == .preparing, "prepared in state \(self.state)")
        switch answer {
        case .failure(let error):
            return self.startFailed(error)
        case .success(let prepared):
            self.lockspace = prepared.lockspace
            self.state = .joining
            var effects: [Effect] = [.became(.prepared(prepared))]
            if let starting = self.starting, !starting.waits {
                self.starting = nil
                effects.append(.reply(starting.id, Self.startReply(prepared)))
            }
            return effects + [.askLockspace(.join(prepared, self.options))]
        }
    }

    private static func startReply(_ prepared: Prepared) -> Reply {
        let generation = prepared.previousGeneration
        return generation > 0 ? Reply(content: .previousGeneration(generation)) : .done
    }

    package mutating func joinAnswered(
        _ answer: Result<Membership, LockManagerError>, now: Duration
    ) -> [Effect] {
        precondition(self.state == .joining, "joined in state \(self.state)")
        switch answer {
        case .failure(let error):
            return self.startFailed(error)
        case .success(let membership):
            self.state = .started
            self.membership = membership
            var effects: [Effect] = [.became(.started)]
            if let starting = self.starting { effects.append(.reply(starting.id, .done)) }
            self.starting = nil
            let early = self.early
            self.early = []
            for (id, client, action) in early {
                effects += self.received(action, id, from: client, now: now)
            }
            if self.stop != nil { effects += self.clearLocks(now: now) }
            return effects
        }
    }

    private mutating func startFailed(_ error: LockManagerError) -> [Effect] {
        self.state = .failed
        var effects: [Effect] = []
        if let starting = self.starting { effects.append(.reply(starting.id, Reply(error))) }
        effects += self.early.map { .reply($0.0, Reply(.lockspaceNotFound)) }
        effects += (self.stop?.answering ?? []).map { .reply($0, .done) }
        self.starting = nil
        self.early = []
        return effects + [.became(.failed(error))]
    }

    // MARK: Stop

    /// Begins to stop, unless that has begun already.
    package mutating func stopRequested(
        _ reason: LeaveReason, answering id: ActionID?, now: Duration
    ) -> [Effect] {
        precondition(!self.isOver && self.stop == nil, "stopped twice")
        self.stop = Stop(reason: reason, answering: id.map { [$0] } ?? [])
        guard case .started = self.state else { return [.became(.stopping)] }
        return [.became(.stopping)] + self.clearLocks(now: now)
    }

    private mutating func clearLocks(now: Duration) -> [Effect] {
        self.state = .clearing
        let asking = self.questions.keys.sorted { $0.rawValue < $1.rawValue }
        var effects = asking.map { Effect.reply($0, Reply(.lockspaceNotFound)) }
        self.questions = [:]
        let removed = self.stop?.reason == .removed
        for place in self.resources.placesInOrder {
            self.step(place, &effects) {
                $0.received(.clear(removed: removed), now: now, &$1)
            }
        }
        return effects + self.leaveIfCleared()
    }

    mutating func leaveIfCleared() -> [Effect] {
        guard self.state == .clearing, self.resources.isEmpty, let stop = self.stop else {
            return []
        }
        self.state = .leaving
        return [.askLockspace(.leave(stop.reason))]
    }

    package mutating func leaveAnswered(_ error: LockManagerError?) -> [Effect] {
        guard case .leaving = self.state, let stop = self.stop else {
            preconditionFailure("left in state \(self.state)")
        }
        if let error, error.code == .lockspaceBusy, stop.reason == .stopped {
            // The manager still has users of the lockspace: it stays, and can be stopped again.
            self.state = .started
            self.stop = nil
            _ = self.placeOfResource(.volumeGroup)
            return [.became(.started)] + stop.answering.map { Effect.reply($0, Reply(error)) }
        }
        self.state = .stopped
        return [.became(.stopped(stop.reason))] + stop.answering.map { Effect.reply($0, .done) }
    }

    // MARK: Loss

    /// The host lost its membership, and with it every hold: clients with locks are told, and
    /// requests that wait are refused as those that come later are.
    package mutating func membershipLost(reason: String, now: Duration) -> [Effect] {
        self.isKilled = true
        let owners = self.resources.values.flatMap { $0.locks.compactMap(\.owner) }
        var effects = Set(owners).sorted().map { Effect.lost($0) }
        for place in self.resources.placesInOrder {
            self.step(place, &effects) { $0.membershipLost(now: now, &$1) }
        }
        return effects
    }

    /// Another host waits for what this host was granted.
    package mutating func holdWanted(
        _ name: Resource.Name, by grant: Grant.ID, now: Duration
    ) -> [Effect] {
        self.step(name) { $0.holdWanted(by: grant, &$1) }
    }
}
