// The machine's dealings with the lock manager: what it asks, and what the answers mean.
extension ResourceMachine {
    mutating func acquire(for request: LockRequest, now: Duration, _ effects: inout [Effect]) {
        self.state = .acquiring(request.mode, for: request.id)
        self.hasInterest = true
        self.hasCancelled = false
        let options = AcquireOptions(
            waiting: self.traits.waitsInQueue && request.waitsForAnyHost,
            adopting: request.adopting, repairing: request.repairing)
        // In a manager's queue nobody tells when waiting begins: it may be now.
        if options.waiting { self.waiting[0].contendedSince = request.contendedSince ?? now }
        effects.append(
            .ask(
                self.name,
                .acquire(
                    request.mode, options, arguments: request.arguments, drives: request.drives)))
    }

    /// Calls a waiting acquire back from the manager's queue, once.
    mutating func cancelAcquire(_ effects: inout [Effect]) {
        guard self.traits.waitsInQueue, !self.hasCancelled else { return }
        self.hasCancelled = true
        effects.append(.cancelAcquire(self.name))
    }

    mutating func convert(
        _ lock: Lock, to mode: LockMode, for request: LockRequest, _ effects: inout [Effect]
    ) {
        self.justGranted = nil
        if mode == .exclusive, self.locks.count > 1 {
            let message = "other clients of this host hold the lock shared"
            return effects.append(.reply(request.id, Reply(.contended, message: message)))
        }
        self.state = .converting(request.id, owner: lock.owner, to: mode)
        self.unpublished = self.valueToPublish(by: lock) ?? self.unpublished
        let value = self.hold == .exclusive ? self.unpublished : nil
        effects.append(.ask(self.name, .convert(mode, writing: value)))
    }

    /// Asks for something that needs the resource unlocked.
    mutating func ask(
        _ call: ResourceCall, for id: ActionID, orElse refusal: LockErrorCode,
        _ effects: inout [Effect]
    ) {
        guard self.hold == .unlocked, self.waiting.isEmpty else {
            let message = "\(self.name) is locked on this host"
            return effects.append(.reply(id, Reply(refusal, message: message)))
        }
        self.state = .asking(id, call)
        effects.append(.ask(self.name, call))
    }

    mutating func remoteHolderSimulated(
        _ id: ActionID, _ mode: LockMode, _ effects: inout [Effect]
    ) {
        self.locks.removeAll(where: \.isPersistent)
        if self.locks.isEmpty { self.hold = .unlocked }
        let call = ResourceCall.simulateRemoteHolder(mode)
        self.state = .asking(id, call)
        effects.append(.ask(self.name, call))
    }

    /// Another host waits for what this host was granted. News of a grant that is not known yet is
    /// kept until the manager's answer comes.
    package mutating func holdWanted(by grant: Grant.ID?, _ effects: inout [Effect]) {
        self.earlyWanted = nil
        if let grant, self.hold != .unlocked, self.grant == grant {
            for lock in self.locks { lock.owner.map { effects.append(.wanted($0)) } }
            return
        }
        switch self.state {
        case .acquiring, .converting: self.earlyWanted = grant
        case .idle, .releasing, .forgetting, .asking: break
        }
    }

    // MARK: Answers

    mutating func conclude(
        _ answer: ResourceAnswer, now: Duration, _ effects: inout [Effect]
    ) {
        let state = self.state
        self.state = .idle
        switch (state, answer) {
        case (.acquiring(let mode, for: let id), .outcome(let outcome)):
            self.acquireAnswered(outcome, mode, for: id, now: now, &effects)
        case (.converting(let id, let owner, let mode), .outcome(let outcome)):
            self.convertAnswered(outcome, id, owner: owner, to: mode, &effects)
            self.holdWanted(by: self.earlyWanted, &effects)
        case (.releasing(let id), .done):
            // A failed release counts as released: the manager finishes it by itself.
            self.hold = .unlocked
            if let id { effects.append(.reply(id, .done)) }
        case (.forgetting, .done):
            self.hasInterest = false
        case (.asking(let id, let call), .done(let error)):
            self.askAnswered(id, call, error, &effects)
        case (.idle, _), (.acquiring, .done), (.converting, .done),
            (.releasing, .outcome), (.forgetting, .outcome), (.asking, .outcome):
            preconditionFailure("\(self.name) in \(state) cannot be answered with \(answer)")
        }
    }

    private mutating func acquireAnswered(
        _ outcome: Result<AcquireOutcome, LockManagerError>, _ mode: LockMode, for id: ActionID?,
        now: Duration, _ effects: inout [Effect]
    ) {
        switch outcome {
        case .success(.granted(let grant)):
            self.hold = mode
            self.grant = grant.id
            self.backoff = nil
            self.granted(grant, &effects)
            self.holdWanted(by: self.earlyWanted, &effects)
        case .success(.contended(let contention)):
            // What stood in the way of a request that was withdrawn decides about no other.
            if id != nil { self.contended(contention, mode, now: now, &effects) }
        case .success(.noOrphan):
            self.answerHead(id, Reply(.noOrphan, isFromManager: true), &effects)
        case .success(.orphanInOtherMode):
            self.answerHead(id, Reply(.orphanInOtherMode, isFromManager: true), &effects)
        case .failure(let error):
            // First of all: the reply notes that there is no global lock now.
            if error.code == .globalLockDisabled { effects.append(.globalLock(enabled: false)) }
            self.answerHead(id, Reply(error), &effects)
            // Let go of an unclear hold before anyone asks again.
            if error.hold == .unknown { self.release(writing: nil, answering: nil, &effects) }
        }
    }

    /// The hold is raised, for the head of the queue; if the request that asked was withdrawn, for
    /// the next one that wants the same, or for nobody. The value block may still say that the
    /// grant is of no use, but the client has the lock then, and lets go of it as usual.
    private mutating func granted(_ grant: Grant, _ effects: inout [Effect]) {
        var reading = grant.value
        var error: LockErrorCode?
        if self.traits.keepsValueBlock, case .value(let block) = grant.value {
            switch self.version.read(block) {
            case .unchanged: reading = .unchanged
            case .changed(to: 0): reading = .changed
            case .changed: break
            case .unreadable: error = .valueBlockUnreadable
            }
            if block.format != 0, block.resourceVersion != 0, block.flags.contains(.removed) {
                error = .volumeGroupRemoved
            }
        }
        guard self.waiting.first?.mode == self.hold else {
            self.hasUntoldChange = self.hasUntoldChange || reading != .unchanged
            return
        }
        if self.hasUntoldChange, reading == .unchanged { reading = .changed }
        self.hasUntoldChange = false
        self.grantHead(error, value: reading, token: grant.token, &effects)
    }

    /// Gives the request at the head its lock on the hold that is there.
    mutating func grantHead(
        _ error: LockErrorCode? = nil, value: ValueBlockReading, token: FencingToken?,
        _ effects: inout [Effect]
    ) {
        let request = self.takeHead()
        guard !self.locks.contains(where: { $0.owner == request.owner }) else {
            return effects.append(.reply(request.id, Reply(.alreadyHeld)))
        }
        self.locks.append(Lock(mode: request.mode, owner: request.owner))
        self.justGranted = request.client
        effects.append(.reply(request.id, Reply(error, content: .granted(value, token))))
        guard request.isPersistent else { return }
        // A persistent lock decides about those that wait, but for the ones that share the hold.
        while self.hold == .shared, self.waiting.first?.mode == .shared {
            self.grantHead(value: .unknown, token: nil, &effects)
        }
        self.placeWaitingRequests(&effects)
    }

    /// Another host is in the way. Requests of the same mode at the front of the queue share the
    /// fate of the one that asked: those that wait go on waiting, the others have their answer.
    private mutating func contended(
        _ contention: Contention, _ mode: LockMode, now: Duration, _ effects: inout [Effect]
    ) {
        let sharing = mode == .shared ? self.waiting.prefix { $0.mode == .shared }.count : 1
        var staying: [LockRequest] = []
        for var request in self.waiting.prefix(sharing) {
            request.contendedSince = request.contendedSince ?? now
            if request.asksAgain(isPassing: contention.isPassing, now: now) {
                staying.append(request)
            } else {
                effects.append(.reply(request.id, Self.reply(to: contention)))
            }
        }
        self.waiting.replaceSubrange(0..<sharing, with: staying)
        guard let head = staying.first else {
            self.backoff = nil
            return
        }
        let attempts = (self.backoff?.attempts ?? 0) + 1
        let pauseEnd = now + RetryPolicy.pause(afterAttempts: attempts, salt: self.traits.salt)
        let until = min(pauseEnd, head.lastAttempt ?? pauseEnd)
        self.backoff = Backoff(attempts: attempts, until: until)
    }

    private static func reply(to contention: Contention) -> Reply {
        guard let owner = contention.owner else {
            return Reply(
                .contended, message: "another host holds the lock", isFromManager: true)
        }
        let name = owner.name.isEmpty ? "host \(owner.id)" : "\(owner.name) (host \(owner.id))"
        return Reply(
            .contended, message: "\(name) holds the lock, state \(owner.state.rawValue)",
            isFromManager: true, content: .host(owner))
    }

    /// Answers the request that was with the manager and takes it out of the queue.
    private mutating func answerHead(
        _ id: ActionID?, _ reply: Reply, _ effects: inout [Effect]
    ) {
        self.backoff = nil
        guard let id else { return }
        _ = self.takeHead()
        effects.append(.reply(id, reply))
    }

    /// Takes the request at the head out of the queue. A lock that is held for long keeps no room
    /// for requests.
    private mutating func takeHead() -> LockRequest {
        guard self.waiting.count == 1 else { return self.waiting.removeFirst() }
        let request = self.waiting[0]
        self.waiting = []
        return request
    }

    private mutating func convertAnswered(
        _ outcome: Result<AcquireOutcome, LockManagerError>, _ id: ActionID, owner: Client.ID?,
        to mode: LockMode, _ effects: inout [Effect]
    ) {
        let reply: Reply
        switch outcome {
        case .success(.granted(let grant)):
            if self.hold == .exclusive { self.unpublished = nil }
            self.setMode(mode, of: owner)
            self.grant = grant.id
            // What was held all the while has not changed.
            reply =
                self.isLost
                ? Self.lostReply : Reply(content: .granted(.unchanged, grant.token))
        case .success(.contended(let contention)):
            reply = Self.reply(to: contention)
        case .success(.noOrphan), .success(.orphanInOtherMode):
            reply = Reply(.managerFailed, isFromManager: true)
        case .failure(let error):
            // An unclear hold counts as the weaker mode, and is not let go: an active volume must
            // not lose its lock because a conversion failed.
            if error.hold == .unknown { self.setMode(.shared, of: owner) }
            reply = Reply(error)
        }
        effects.append(.reply(id, reply))
        self.placeWaitingRequests(&effects)
    }

    private mutating func setMode(_ mode: LockMode, of owner: Client.ID?) {
        self.hold = mode
        guard let index = self.locks.firstIndex(where: { $0.owner == owner }) else { return }
        self.locks[index].mode = mode
    }

    private mutating func askAnswered(
        _ id: ActionID, _ call: ResourceCall, _ error: LockManagerError?,
        _ effects: inout [Effect]
    ) {
        guard case .setGlobalLock(let enabled, _) = call, error == nil else {
            return effects.append(.reply(id, error.map { Reply($0) } ?? .done))
        }
        self.isEnding = !enabled
        effects.append(.globalLock(enabled: enabled))
        effects.append(.reply(id, .done))
        if !enabled { self.withdraw(&effects) { _ in true } }
    }
}
