/// Decides about one resource: who holds it on this host, who waits, and what to ask of the lock
/// manager.
///
/// The host has one *hold*, in the lock manager. Clients have *locks* that share it: many shared
/// ones, or one exclusive, transient (a client's) or persistent (nobody's). Requests that cannot
/// be answered from the locks at hand wait in a queue, first come first served; an exclusive
/// request at the head holds back the shared ones behind it. When the last lock goes, the hold is
/// released, and the head of the queue asks the manager anew: between two holders of this host,
/// another host gets its chance.
///
/// Every input adds the effects to perform to a list. While a call is with the manager, inputs that
/// touch the hold are deferred and handled, in their order, when its answer has come. Requests
/// still join the queue, and a client that vanishes leaves it at once.
package struct ResourceMachine: Sendable {
    /// What the machine waits for.
    package enum State: Hashable, Sendable {
        /// No call is under way. Next: any other.
        case idle
        /// Asked to raise the hold from unlocked, for the request at the head of the queue; nil if
        /// that was withdrawn. Next: idle, or releasing after an unclear failure.
        case acquiring(LockMode, for: ActionID?)
        /// Asked to change the mode of a lock. Next: idle.
        case converting(ActionID, owner: Client.ID?, to: LockMode)
        /// Asked to release the hold, then to answer an unlock. Next: idle.
        case releasing(ActionID?)
        /// Told the manager that nobody is interested any more. Next: idle.
        case forgetting
        /// Asked something that needs the resource unlocked, for an action. Next: idle.
        indirect case asking(ActionID, ResourceCall)
    }

    /// What kind of resource and manager this is about.
    package struct Traits: Hashable, Sendable {
        package var name: Resource.Name
        package var keepsValueBlock: Bool
        package var waitsInQueue: Bool
        /// Spreads the pauses of hosts that ask again for the same resource.
        package var salt: UInt64

        package init(
            name: Resource.Name, keepsValueBlock: Bool, waitsInQueue: Bool, salt: UInt64
        ) {
            self.name = name
            self.keepsValueBlock = keepsValueBlock
            self.waitsInQueue = waitsInQueue
            self.salt = salt
        }
    }

    package let traits: Traits
    /// Tells which of two machines of a lockspace is the older.
    package let order: UInt64
    package internal(set) var state = State.idle
    /// This host's hold, as far as the manager has confirmed it.
    package internal(set) var hold = LockMode.unlocked
    package internal(set) var locks: [Lock] = []
    /// Requests that wait, first come first served. The head may be with the manager.
    package internal(set) var waiting: [LockRequest] = []
    package internal(set) var version = VersionTracker()
    /// The client that was last granted a lock, unless somebody has used the resource since.
    package internal(set) var justGranted: Client.ID?

    /// Which grant the hold comes from.
    var grant: Grant.ID?
    /// A grant that another host wants already, before the manager's answer has told of it.
    var earlyWanted: Grant.ID?
    /// The manager was asked to end the acquire that is under way.
    var hasCancelled = false
    /// Inputs that came while a call was under way.
    var deferred: [ResourceInput] = []
    /// After a conflict: how often the manager was asked, and when to ask again.
    var backoff: Backoff?
    /// The manager knows of this host's interest.
    var hasInterest = false
    /// The resource goes away: the lockspace is being left, or the global lock was disabled.
    var isEnding = false
    /// What a conversion that failed was to publish; the manager may have the hold exclusive yet,
    /// so the release publishes it.
    var unpublished: ValueBlock?
    /// A grant that nobody was told of showed that the data changed: the next one has to tell.
    var hasUntoldChange = false
    /// The host lost its membership, and with it every hold.
    var isLost = false
    /// The time for which a wake was last wished.
    var wakeAt: Duration?

    struct Backoff: Hashable, Sendable {
        var attempts: Int
        var until: Duration
    }

    package init(_ traits: Traits, order: UInt64) {
        self.traits = traits
        self.order = order
    }

    package var name: Resource.Name { self.traits.name }

    /// There is nothing left to remember. The resources that every lockspace has are kept, for
    /// their versions.
    package var isDone: Bool {
        guard case .idle = self.state, self.locks.isEmpty, self.waiting.isEmpty,
            self.deferred.isEmpty, !self.hasInterest
        else { return false }
        if case .logicalVolume = self.name { return true }
        return self.isEnding
    }

    /// Has the client a lock or a request here?
    package func concerns(_ client: Client.ID) -> Bool {
        self.locks.contains { $0.owner == client } || self.waiting.contains { $0.client == client }
            || !self.deferred.isEmpty
    }

    /// Whose request is with the manager.
    package var clientBeingServed: Client.ID? {
        guard case .acquiring(_, for: let id?) = self.state else { return nil }
        return self.waiting.first { $0.id == id }?.client
    }

    // MARK: Inputs

    // Effects are added to a list, in the order in which they are to be performed.

    /// Takes a request, or news of a client.
    package mutating func received(
        _ input: ResourceInput, now: Duration, _ effects: inout [Effect]
    ) {
        self.handle(input, now: now, &effects)
        self.settle(now: now, &effects)
    }

    /// Takes the lock manager's answer to the call under way.
    package mutating func managerAnswered(
        _ answer: ResourceAnswer, now: Duration, _ effects: inout [Effect]
    ) {
        self.conclude(answer, now: now, &effects)
        self.settle(now: now, &effects)
    }

    /// A time that was wished for has come.
    package mutating func timePassed(now: Duration, _ effects: inout [Effect]) {
        self.wakeAt = nil
        if let backoff = self.backoff, backoff.until <= now { self.backoff?.until = .zero }
        self.giveUpLateRequests(now: now, &effects)
        self.settle(now: now, &effects)
    }

    /// The host lost its membership: nobody is granted anything any more.
    package mutating func membershipLost(now: Duration, _ effects: inout [Effect]) {
        self.isLost = true
        self.withdraw(answering: Self.lostReply, &effects) { _ in true }
        self.settle(now: now, &effects)
    }

    static let lostReply = Reply(
        .lockspaceKilled, message: "this host lost the lockspace while the request waited")

    // MARK: Order of work

    /// Handles what was deferred, then lets the queue move, until a call is under way or nothing is
    /// left to do.
    private mutating func settle(now: Duration, _ effects: inout [Effect]) {
        while case .idle = self.state, !self.deferred.isEmpty {
            self.handle(self.deferred.removeFirst(), now: now, &effects)
        }
        if case .idle = self.state { self.advance(now: now, &effects) }
        self.wishToWake(&effects)
    }

    private mutating func handle(
        _ input: ResourceInput, now: Duration, _ effects: inout [Effect]
    ) {
        switch input {
        case .lock(let request): return self.lockRequested(request, &effects)
        case .withdraw(let id): return self.withdraw(&effects) { $0.id == id }
        case .clientVanished(let client): return self.clientVanished(client, &effects)
        case .clear: self.isEnding = true
        case .unlock, .update, .replyLost, .freeLease, .setGlobalLock, .simulateRemoteHolder: break
        }
        switch (self.state, input) {
        case (.acquiring, .unlock(let id, let client, let isPersistent, let cancels)):
            // Nothing is held while the hold is being raised.
            self.unlockRequested(
                id, client, isPersistent: isPersistent, cancels: cancels, &effects)
        case (.acquiring, .update(let id, _, _)):
            effects.append(.reply(id, Reply(.notHeld)))
        case (.acquiring, .clear):
            self.deferred.append(input)
            self.withdraw(&effects) { _ in true }
        case (.idle, _):
            self.handleWhileIdle(input, &effects)
        case (.acquiring, _), (.converting, _), (.releasing, _), (.forgetting, _), (.asking, _):
            self.deferred.append(input)
        }
    }

    private mutating func handleWhileIdle(_ input: ResourceInput, _ effects: inout [Effect]) {
        switch input {
        case .unlock(let id, let client, let isPersistent, let cancels):
            self.unlockRequested(
                id, client, isPersistent: isPersistent, cancels: cancels, &effects)
        case .update(let id, let client, let version):
            effects.append(.reply(id, self.updateRequested(client, version: version)))
        case .replyLost(let client):
            self.replyLost(client, &effects)
        case .freeLease(let id, let arguments):
            self.ask(.freeLease(arguments: arguments), for: id, orElse: .lockspaceBusy, &effects)
        case .setGlobalLock(let id, let enabled, let exclusively):
            let call = ResourceCall.setGlobalLock(enabled: enabled, exclusively: exclusively)
            self.ask(call, for: id, orElse: .invalidRequest, &effects)
        case .simulateRemoteHolder(let id, let mode):
            self.remoteHolderSimulated(id, mode, &effects)
        case .clear(let removed):
            self.clear(removed: removed, &effects)
        case .lock, .withdraw, .clientVanished:
            preconditionFailure("handled in every state: \(input)")
        }
    }

    /// Lets the queue move as far as it can.
    private mutating func advance(now: Duration, _ effects: inout [Effect]) {
        while case .idle = self.state {
            if self.hold != .unlocked, self.locks.isEmpty, self.waiting.first?.mode != self.hold {
                return self.release(writing: nil, answering: nil, &effects)
            }
            guard let head = self.waiting.first else { return self.forgetIfUnused(&effects) }
            if self.canShareHold(head) {
                self.grantHead(value: .unknown, token: nil, &effects)
            } else if self.hold != .unlocked || (self.backoff?.until ?? .zero) > now {
                return
            } else {
                self.acquire(for: head, now: now, &effects)
            }
        }
    }

    private func canShareHold(_ request: LockRequest) -> Bool {
        guard self.hold == request.mode else { return false }
        return self.hold == .shared || self.locks.isEmpty
    }

    private mutating func forgetIfUnused(_ effects: inout [Effect]) {
        guard self.hasInterest, self.hold == .unlocked, self.locks.isEmpty else { return }
        if case .logicalVolume = self.name {} else if !self.isEnding { return }
        self.state = .forgetting
        effects.append(.ask(self.name, .forget))
    }

    // MARK: Time

    /// Wishes to be woken for the next attempt, or when the next request gives up.
    private mutating func wishToWake(_ effects: inout [Effect]) {
        guard !self.waiting.isEmpty else {
            self.backoff = nil
            return
        }
        var next: Duration?
        for index in self.waiting.indices {
            guard let deadline = self.waiting[index].waiting.deadline else { continue }
            next = min(next ?? deadline, deadline)
        }
        if let until = self.backoff?.until, until > .zero { next = min(next ?? until, until) }
        if self.mayCancel, let last = self.waiting[0].lastAttempt { next = min(next ?? last, last) }
        guard let next, next != self.wakeAt else { return }
        self.wakeAt = next
        effects.append(.wake(self.name, at: next))
    }

    private mutating func giveUpLateRequests(now: Duration, _ effects: inout [Effect]) {
        for request in self.waiting {
            guard let deadline = request.waiting.deadline, deadline <= now else { continue }
            let reply = Reply(.timedOut, message: "the deadline passed before the lock was free")
            self.withdraw(answering: reply, &effects) { $0.id == request.id }
        }
        if self.mayCancel, let last = self.waiting.first?.lastAttempt, last <= now {
            self.cancelAcquire(&effects)
        }
    }

    /// The head of the queue is in the manager's own queue, and nothing has called it back.
    private var mayCancel: Bool {
        guard case .acquiring(_, for: .some) = self.state else { return false }
        return self.traits.waitsInQueue && !self.hasCancelled
    }
}
