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

    mutating func lockRequested(_ request: LockRequest, _ effects: inout [Effect]) {
        if self.isEnding {
            return effects.append(.reply(request.id, Reply(.lockspaceStopping)))
        }
        if case .idle = self.state {} else { return self.enqueue(request, &effects) }
        switch self.place(request) {
        case .answer(let reply):
            self.justGranted = nil
            effects.append(.reply(request.id, reply))
            self.placeWaitingRequests(&effects)
        case .convert(let index):
            self.convert(self.locks[index], to: request.mode, for: request, &effects)
        case .wait:
            self.enqueue(request, &effects)
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

    private mutating func enqueue(_ request: LockRequest, _ effects: inout [Effect]) {
        guard request.waiting.queues || !self.isInTheWay(of: request) else {
            let message = "another client of this host is in the way"
            return effects.append(.reply(request.id, Reply(.contended, message: message)))
        }
        guard self.waiting.count < Limits.waitingPerResource else {
            let message = "\(Limits.waitingPerResource) requests wait for \(self.name) already"
            return effects.append(.reply(request.id, Reply(.limitReached, message: message)))
        }
        self.waiting.append(request)
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
    mutating func placeWaitingRequests(_ effects: inout [Effect]) {
        guard !self.waiting.isEmpty else { return }
        for request in self.waiting where self.state == .idle {
            guard case .answer(let reply) = self.place(request) else { continue }
            self.justGranted = nil
            self.waiting.removeAll { $0.id == request.id }
            effects.append(.reply(request.id, reply))
        }
        for request in self.waiting where self.state == .idle {
            guard case .convert(let index) = self.place(request) else { continue }
            self.waiting.removeAll { $0.id == request.id }
            self.convert(self.locks[index], to: request.mode, for: request, &effects)
        }
    }

    // MARK: Letting go

    mutating func unlockRequested(
        _ id: ActionID, _ client: Client.ID, isPersistent: Bool, cancels: Bool,
        _ effects: inout [Effect]
    ) {
        let owner = isPersistent ? nil : client
        if let index = self.locks.firstIndex(where: { $0.owner == owner }) {
            self.unlock(index, answering: id, &effects)
        } else if cancels {
            self.cancelWaiting(for: id, client, isPersistent: isPersistent, &effects)
        } else {
            effects.append(.reply(id, Reply(.notHeld)))
        }
    }

    /// lvmlockd's unlock_cancel: a persistent one withdraws the first persistent request that
    /// waits, whoever sent it. The unlock itself is answered as cancelled in any case.
    private mutating func cancelWaiting(
        for id: ActionID, _ client: Client.ID, isPersistent: Bool, _ effects: inout [Effect]
    ) {
        let victim = self.waiting.first {
            isPersistent ? $0.isPersistent : $0.client == client && !$0.isPersistent
        }
        if let victim { self.withdraw(&effects) { $0.id == victim.id } }
        effects.append(.reply(id, Reply(.cancelled)))
    }

    /// Takes a lock off the hold, and releases the hold if it was the last.
    private mutating func unlock(
        _ index: Int, answering id: ActionID?, _ effects: inout [Effect]
    ) {
        let lock = self.locks.remove(at: index)
        self.justGranted = nil
        if self.locks.isEmpty {
            self.release(writing: self.valueToPublish(by: lock), answering: id, &effects)
        } else if let id {
            effects.append(.reply(id, .done))
        }
    }

    mutating func release(
        writing value: ValueBlock?, answering id: ActionID?, _ effects: inout [Effect]
    ) {
        let value = value ?? self.unpublished
        self.unpublished = nil
        self.state = .releasing(id)
        effects.append(.ask(self.name, .release(writing: value)))
    }

    /// The client got a logical volume's lock and never learnt of it: the volume will not be
    /// activated, so the lock goes too, unless somebody has used it since.
    mutating func replyLost(_ client: Client.ID, _ effects: inout [Effect]) {
        guard case .logicalVolume = self.name, self.justGranted == client,
            let index = self.locks.firstIndex(where: { $0.isPersistent || $0.owner == client })
        else { return }
        self.unlock(index, answering: nil, &effects)
    }

    mutating func clientVanished(_ client: Client.ID, _ effects: inout [Effect]) {
        self.withdraw(answering: nil, &effects) { $0.client == client }
        guard let index = self.locks.firstIndex(where: { $0.owner == client }) else { return }
        guard case .idle = self.state else {
            return self.deferred.append(.clientVanished(client))
        }
        self.unlock(index, answering: nil, &effects)
    }

    /// Takes requests out of the queue. If one is with the manager, its grant will go to the next
    /// in the queue that wants the same, or back.
    mutating func withdraw(
        answering reply: Reply? = Reply(.cancelled), _ effects: inout [Effect],
        where isMeant: (LockRequest) -> Bool
    ) {
        let withdrawn = self.waiting.filter(isMeant)
        guard !withdrawn.isEmpty else { return }
        // The pause was for the request at the head; another may fare better.
        if withdrawn[0].id == self.waiting[0].id { self.backoff = nil }
        self.waiting.removeAll(where: isMeant)
        if let reply { effects += withdrawn.map { .reply($0.id, reply) } }
        if case .acquiring(let mode, for: let id?) = self.state,
            withdrawn.contains(where: { $0.id == id })
        {
            self.state = .acquiring(mode, for: nil)
            self.cancelAcquire(&effects)
        }
    }

    mutating func clear(removed: Bool, _ effects: inout [Effect]) {
        self.withdraw(&effects) { _ in true }
        let announced = self.locks.map(\.version).max() ?? 0
        self.locks = []
        guard self.hold != .unlocked else { return }
        var value = self.valueToPublish(by: Lock(mode: self.hold, owner: nil, version: announced))
        if removed, self.hold == .exclusive, self.name == .volumeGroup, self.traits.keepsValueBlock
        {
            value = value ?? self.currentValue
            value?.flags = .removed
        }
        self.release(writing: value, answering: nil, &effects)
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
