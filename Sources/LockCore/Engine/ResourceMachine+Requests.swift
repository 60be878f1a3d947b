// What the machine makes of requests, by the locks that exist.
//
// Transient and persistent locks mix by lvmlockd's rules, made for lvm's habits: a volume that is
// active has a persistent exclusive lock, and a command that changes it asks for a transient one
// on top, which is granted and not recorded.
extension ResourceMachine {
    private enum Placement {
        case answer(Reply)
        case convert(lock: Int)
        case wait
    }

    mutating func lockRequested(_ request: LockRequest) -> [Effect] {
        if self.isEnding { return [.reply(request.id, Reply(.lockspaceStopping))] }
        if case .idle = self.state {} else { return self.enqueue(request) }
        switch self.place(request) {
        case .answer(let reply):
            self.justGranted = nil
            return [.reply(request.id, reply)] + self.placeWaitingRequests()
        case .convert(let index):
            return self.convert(self.locks[index], to: request.mode, for: request)
        case .wait:
            return self.enqueue(request)
        }
    }

    /// Answers from the locks at hand, if they decide about the request.
    private mutating func place(_ request: LockRequest) -> Placement {
        let own = self.locks.firstIndex { $0.owner == request.client }
        let persistent = self.locks.firstIndex(where: \.isPersistent)
        if request.isPersistent {
            if let persistent, self.locks[persistent].mode == request.mode {
                return .answer(Reply(.alreadyHeld))
            }
            if let own {
                guard self.locks[own].mode == request.mode else {
                    return .answer(Reply(.heldInOtherMode))
                }
                self.locks[own].owner = nil
                return .answer(.done)
            }
            return persistent.map { .convert(lock: $0) } ?? .wait
        }
        if let own, self.locks[own].mode == request.mode { return .answer(Reply(.alreadyHeld)) }
        if let persistent {
            let covers = self.locks[persistent].mode >= request.mode
            return .answer(covers ? .done : Reply(.heldInOtherMode, notes: .sharedLockExists))
        }
        return own.map { .convert(lock: $0) } ?? .wait
    }

    private mutating func enqueue(_ request: LockRequest) -> [Effect] {
        guard request.waiting.queues || !self.isInTheWay(of: request) else {
            let message = "another client of this host is in the way"
            return [.reply(request.id, Reply(.contended, message: message))]
        }
        guard self.waiting.count < Limits.waitingPerResource else {
            let message = "\(Limits.waitingPerResource) requests wait for \(self.name) already"
            return [.reply(request.id, Reply(.limitReached, message: message))]
        }
        self.waiting.append(request)
        return []
    }

    /// Would the request have to wait for another client of this host?
    private func isInTheWay(of request: LockRequest) -> Bool {
        guard self.waiting.isEmpty else { return true }
        switch self.state {
        case .idle: return !self.hold.isCompatible(with: request.mode)
        case .acquiring, .converting: return true
        case .releasing, .forgetting, .asking: return false
        }
    }

    /// A lock came or changed: it may now decide about requests that wait. As in lvmlockd, those
    /// that it answers come before those that convert it.
    mutating func placeWaitingRequests() -> [Effect] {
        guard !self.waiting.isEmpty else { return [] }
        var effects: [Effect] = []
        for request in self.waiting where self.state == .idle {
            guard case .answer(let reply) = self.place(request) else { continue }
            self.justGranted = nil
            self.waiting.removeAll { $0.id == request.id }
            effects.append(.reply(request.id, reply))
        }
        for request in self.waiting where self.state == .idle {
            guard case .convert(let index) = self.place(request) else { continue }
            self.waiting.removeAll { $0.id == request.id }
            effects += self.convert(self.locks[index], to: request.mode, for: request)
        }
        return effects
    }

    // MARK: Letting go

    mutating func unlockRequested(
        _ id: ActionID, _ client: Client.ID, isPersistent: Bool, cancels: Bool
    ) -> [Effect] {
        let owner = isPersistent ? nil : client
        guard let index = self.locks.firstIndex(where: { $0.owner == owner }) else {
            return cancels
                ? self.cancelWaiting(for: id, client, isPersistent: isPersistent)
                : [.reply(id, Reply(.notHeld))]
        }
        return self.unlock(index, answering: id)
    }

    /// lvmlockd's unlock_cancel: a persistent one withdraws the first persistent request that
    /// waits, whoever sent it. The unlock itself is answered as cancelled in any case.
    private mutating func cancelWaiting(
        for id: ActionID, _ client: Client.ID, isPersistent: Bool
    ) -> [Effect] {
        let victim = self.waiting.first {
            isPersistent ? $0.isPersistent : $0.client == client && !$0.isPersistent
        }
        let withdrawn = victim.map { request in self.withdraw { $0.id == request.id } } ?? []
        return withdrawn + [.reply(id, Reply(.cancelled))]
    }

    /// Takes a lock off the hold, and releases the hold if it was the last.
    private mutating func unlock(_ index: Int, answering id: ActionID?) -> [Effect] {
        let lock = self.locks.remove(at: index)
        self.justGranted = nil
        guard self.locks.isEmpty else { return id.map { [.reply($0, .done)] } ?? [] }
        return self.release(writing: self.valueToPublish(by: lock), answering: id)
    }

    mutating func release(writing value: ValueBlock?, answering id: ActionID?) -> [Effect] {
        let value = value ?? self.unpublished
        self.unpublished = nil
        self.state = .releasing(id)
        return [.ask(self.name, .release(writing: value))]
    }

    /// The client got a logical volume's lock and never learnt of it: the volume will not be
    /// activated, so the lock goes too, unless somebody has used it since.
    mutating func replyLost(_ client: Client.ID) -> [Effect] {
        guard case .logicalVolume = self.name, self.justGranted == client,
            let index = self.locks.firstIndex(where: { $0.isPersistent || $0.owner == client })
        else { return [] }
        return self.unlock(index, answering: nil)
    }

    mutating func clientVanished(_ client: Client.ID) -> [Effect] {
        let effects = self.withdraw(answering: nil) { $0.client == client }
        guard let index = self.locks.firstIndex(where: { $0.owner == client }) else {
            return effects
        }
        guard case .idle = self.state else {
            self.deferred.append(.clientVanished(client))
            return effects
        }
        return effects + self.unlock(index, answering: nil)
    }

    /// Takes requests out of the queue. If one is with the manager, its grant will go to the next
    /// in the queue that wants the same, or back.
    mutating func withdraw(
        answering reply: Reply? = Reply(.cancelled), where isMeant: (LockRequest) -> Bool
    ) -> [Effect] {
        let withdrawn = self.waiting.filter(isMeant)
        guard !withdrawn.isEmpty else { return [] }
        // The pause was for the request at the head; another may fare better.
        if withdrawn[0].id == self.waiting[0].id { self.backoff = nil }
        self.waiting.removeAll(where: isMeant)
        var effects: [Effect] = []
        if let reply { effects = withdrawn.map { .reply($0.id, reply) } }
        if case .acquiring(let mode, for: let id?) = self.state,
            withdrawn.contains(where: { $0.id == id })
        {
            self.state = .acquiring(mode, for: nil)
            effects += self.cancelAcquire()
        }
        return effects
    }

    mutating func clear(removed: Bool) -> [Effect] {
        let effects = self.withdraw { _ in true }
        let announced = self.locks.map(\.version).max() ?? 0
        self.locks = []
        guard self.hold != .unlocked else { return effects }
        var value = self.valueToPublish(by: Lock(mode: self.hold, owner: nil, version: announced))
        if removed, self.hold == .exclusive, self.name == .volumeGroup, self.traits.keepsValueBlock
        {
            value = value ?? self.currentValue
            value?.flags = .removed
        }
        return effects + self.release(writing: value, answering: nil)
    }

    // MARK: Versions

    mutating func updateRequested(_ client: Client.ID, version: UInt32?) -> Reply {
        guard let index = self.locks.firstIndex(where: { $0.owner == client }) else {
            return Reply(.notHeld, message: "a version can only be announced under one's own lock")
        }
        guard self.hold == .exclusive else {
            return Reply(.invalidRequest, message: "a version needs an exclusive lock")
        }
        self.locks[index].version = version ?? self.version.version &+ 1
        return .done
    }

    /// What the end of an exclusive hold tells the next holder: the global resource counts every
    /// one, a volume group publishes the version its command announced.
    mutating func valueToPublish(by lock: Lock) -> ValueBlock? {
        guard self.hold == .exclusive else { return nil }
        switch self.name {
        case .global: self.version.advance()
        case .volumeGroup:
            guard lock.version > self.version.version else { return nil }
            self.version.publish(lock.version)
        case .logicalVolume: return nil
        }
        return self.traits.keepsValueBlock ? self.currentValue : nil
    }

    private var currentValue: ValueBlock {
        ValueBlock(format: ValueBlock.currentFormat, resourceVersion: self.version.version)
    }
}
