// The machine's dealings with the lock manager: what it asks, and what the answers mean.
extension ResourceMachine {
    mutating func acquire(for request: LockRequest, now: Duration) -> Effect {
        self.state = .acquiring(request.mode, for: request.id)
        self.hasInterest = true
        self.hasCancelled = false
        let options = AcquireOptions(
            waiting: self.traits.waitsInQueue && request.waitsForAnyHost,
            adopting: request.adopting, repairing: request.repairing)
        // In a manager's queue nobody tells when waiting begins: it may be now.
        if options.waiting { self.waiting[0].contendedSince = request.contendedSince ?? now }
        return .ask(
            self.name,
            .acquire(
                request.mode, options, arguments: request.arguments, drives: request.drives))
    }

    /// Calls a waiting acquire back from the manager's queue, once.
    mutating func cancelAcquire() -> [Effect] {
        guard self.traits.waitsInQueue, !self.hasCancelled else { return [] }
        self.hasCancelled = true
        return [.cancelAcquire(self.name)]
    }

    mutating func convert(
        _ lock: Lock, to mode: LockMode, for request: LockRequest
    ) -> [Effect] {
        self.justGranted = nil
        if mode == .exclusive, self.locks.count > 1 {
            let message = "other clients of this host hold the lock shared"
            return [.reply(request.id, Reply(.contended, message: message))]
        }
        self.state = .converting(request.id, owner: lock.owner, to: mode)
        self.unpublished = self.valueToPublish(by: lock) ?? self.unpublished
        let value = self.hold == .exclusive ? self.unpublished : nil
        return [.ask(self.name, .convert(mode, writing: value))]
    }

    /// Asks for something that needs the resource unlocked.
    mutating func ask(
        _ call: ResourceCall, for id: ActionID, orElse refusal: LockErrorCode
    ) -> [Effect] {
        guard self.hold == .unlocked, self.waiting.isEmpty else {
            return [.reply(id, Reply(refusal, message: "\(self.name) is locked on this host"))]
        }
        self.state = .asking(id, call)
        return [.ask(self.name, call)]
    }

    mutating func remoteHolderSimulated(_ id: ActionID, _ mode: LockMode) -> [Effect] {
        self.locks.removeAll(where: \.isPersistent)
        if self.locks.isEmpty { self.hold = .unlocked }
        let call = ResourceCall.simulateRemoteHolder(mode)
        self.state = .asking(id, call)
        return [.ask(self.name, call)]
    }

    /// Another host waits for what this host was granted. News of a grant that is not known yet is
    /// kept until the manager's answer comes.
    package mutating func holdWanted(by grant: Grant.ID?) -> [Effect] {
        self.earlyWanted = nil
        if let grant, self.hold != .unlocked, self.grant == grant {
            return self.locks.compactMap(\.owner).map { .wanted($0) }
        }
        switch self.state {
        case .acquiring, .converting: self.earlyWanted = grant
        case .idle, .releasing, .forgetting, .asking: break
        }
        return []
    }

    // MARK: Answers

    mutating func conclude(_ answer: ResourceAnswer, now: Duration) -> [Effect] {
        let state = self.state
        self.state = .idle
        switch (state, answer) {
        case (.acquiring(let mode, for: let id), .outcome(let outcome)):
            return self.acquireAnswered(outcome, mode, for: id, now: now)
        case (.converting(let id, let owner, let mode), .outcome(let outcome)):
            return self.convertAnswered(outcome, id, owner: owner, to: mode)
                + self.holdWanted(by: self.earlyWanted)
        case (.releasing(let id), .done):
            // A failed release counts as released: the manager finishes it by itself.
            self.hold = .unlocked
            return id.map { [.reply($0, .done)] } ?? []
        case (.forgetting, .done):
            self.hasInterest = false
            return []
        case (.asking(let id, let call), .done(let error)):
            return self.askAnswered(id, call, error)
        case (.idle, _), (.acquiring, .done), (.converting, .done),
            (.releasing, .outcome), (.forgetting, .outcome), (.asking, .outcome):
            preconditionFailure("\(self.name) in \(state) cannot be answered with \(answer)")
        }
    }

    private mutating func acquireAnswered(
        _ outcome: Result<AcquireOutcome, LockManagerError>, _ mode: LockMode, for id: ActionID?,
        now: Duration
    ) -> [Effect] {
        switch outcome {
        case .success(.granted(let grant)):
            self.hold = mode
            self.grant = grant.id
            self.backoff = nil
            return self.granted(grant) + self.holdWanted(by: self.earlyWanted)
        case .success(.contended(let contention)):
            // What stood in the way of a request that was withdrawn decides about no other.
            return id == nil ? [] : self.contended(contention, mode, now: now)
        case .success(.noOrphan):
            return self.answerHead(id, Reply(.noOrphan, isFromManager: true))
        case .success(.orphanInOtherMode):
            return self.answerHead(id, Reply(.orphanInOtherMode, isFromManager: true))
        case .failure(let error):
            var effects = self.answerHead(id, Reply(error))
            if error.code == .globalLockDisabled { effects.append(.globalLock(enabled: false)) }
            // Let go of an unclear hold before anyone asks again.
            return error.hold == .unknown
                ? effects + self.release(writing: nil, answering: nil) : effects
        }
    }

    /// The hold is raised, for the head of the queue; if the request that asked was withdrawn, for
    /// the next one that wants the same, or for nobody. The value block may still say that the
    /// grant is of no use, but the client has the lock then, and lets go of it as usual.
    private mutating func granted(_ grant: Grant) -> [Effect] {
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
            return []
        }
        if self.hasUntoldChange, reading == .unchanged { reading = .changed }
        self.hasUntoldChange = false
        return self.grantHead(error, value: reading, token: grant.token)
    }

    /// Gives the request at the head its lock on the hold that is there.
    mutating func grantHead(
        _ error: LockErrorCode? = nil, value: ValueBlockReading, token: FencingToken?
    ) -> [Effect] {
        let request = self.waiting.removeFirst()
        guard !self.locks.contains(where: { $0.owner == request.owner }) else {
            return [.reply(request.id, Reply(.alreadyHeld))]
        }
        self.locks.append(Lock(mode: request.mode, owner: request.owner))
        self.justGranted = request.client
        let reply = Reply(error, content: .granted(value, token))
        var effects: [Effect] = [.reply(request.id, reply)]
        guard request.isPersistent else { return effects }
        // A persistent lock decides about those that wait, but for the ones that share the hold.
        while self.hold == .shared, self.waiting.first?.mode == .shared {
            effects += self.grantHead(value: .unknown, token: nil)
        }
        return effects + self.placeWaitingRequests()
    }

    /// Another host is in the way. Requests of the same mode at the front of the queue share the
    /// fate of the one that asked: those that wait go on waiting, the others have their answer.
    private mutating func contended(
        _ contention: Contention, _ mode: LockMode, now: Duration
    ) -> [Effect] {
        let sharing = mode == .shared ? self.waiting.prefix { $0.mode == .shared }.count : 1
        var effects: [Effect] = []
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
            return effects
        }
        let attempts = (self.backoff?.attempts ?? 0) + 1
        let pauseEnd = now + RetryPolicy.pause(afterAttempts: attempts, salt: self.traits.salt)
        let until = min(pauseEnd, head.lastAttempt ?? pauseEnd)
        self.backoff = Backoff(attempts: attempts, until: until)
        return effects
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
    private mutating func answerHead(_ id: ActionID?, _ reply: Reply) -> [Effect] {
        self.backoff = nil
        guard let id else { return [] }
        self.waiting.removeFirst()
        return [.reply(id, reply)]
    }

    private mutating func convertAnswered(
        _ outcome: Result<AcquireOutcome, LockManagerError>, _ id: ActionID, owner: Client.ID?,
        to mode: LockMode
    ) -> [Effect] {
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
        return [.reply(id, reply)] + self.placeWaitingRequests()
    }

    private mutating func setMode(_ mode: LockMode, of owner: Client.ID?) {
        self.hold = mode
        guard let index = self.locks.firstIndex(where: { $0.owner == owner }) else { return }
        self.locks[index].mode = mode
    }

    private mutating func askAnswered(
        _ id: ActionID, _ call: ResourceCall, _ error: LockManagerError?
    ) -> [Effect] {
        let answer = Effect.reply(id, error.map { Reply($0) } ?? .done)
        guard case .setGlobalLock(let enabled, _) = call, error == nil else { return [answer] }
        self.isEnding = !enabled
        let withdrawn = enabled ? [] : self.withdraw { _ in true }
        return [answer, .globalLock(enabled: enabled)] + withdrawn
    }
}
