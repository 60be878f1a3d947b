import LockCore

/// How holds move. Every change that may free a resource ends in `settle`, which lets the first
/// waiters have it; so no method leaves a waiter behind that could be granted.
extension MemoryLockspace {
    /// Moves the caller's hold from unlocked; nil if the request waits from now on.
    mutating func acquire(
        _ mode: LockMode, of name: Resource.Name, _ options: AcquireOptions,
        as waiter: MemoryWaiter.ID, _ subject: CallSubject, _ context: inout MemoryContext
    ) throws(LockManagerError) -> AcquireOutcome? {
        try self.member(subject)
        let host = subject.host
        var resource = self.resources[name] ?? MemoryResource()
        if let own = resource.hold(of: host), resource.holds[own].state == .releasing {
            self.finishReleases(of: name, &context) { $0 == host }
            resource = self.resources[name] ?? MemoryResource()
        }
        if let own = resource.hold(of: host) {
            return try self.adopt(own, of: name, mode, options.adopting, subject, &context)
        }
        // lvmlockd's test mode takes it that whatever is to be adopted was there.
        if options.adopting == .required && !context.rules.mirrorsTestMode { return .noOrphan }

        let obstacle = resource.obstacle(for: host, mode)
        if obstacle == nil && resource.waiters.isEmpty {
            return .granted(self.grant(name, mode, to: host, &context))
        }
        if options.waiting && context.rules.capabilities.waitsInQueue {
            self.enqueue(MemoryWaiter(id: waiter, host: host, mode: mode), for: name, &context)
            return nil
        }
        let owner = obstacle.map { self.host(resource.holds[$0].host) }
        self.finishReleases(of: name, &context) { $0 != host }
        return .contended(self.contention(owner, context))
    }

    /// Moves the caller's hold between shared and exclusive.
    mutating func convert(
        _ name: Resource.Name, to mode: LockMode, writing value: ValueBlock?,
        _ subject: CallSubject, _ context: inout MemoryContext
    ) throws(LockManagerError) -> AcquireOutcome {
        try self.member(subject)
        let host = subject.host
        guard let resource = self.resources[name], let own = resource.hold(of: host),
            resource.holds[own].state == .held
        else { throw subject.failure(.notHeld) }
        if let obstacle = resource.obstacle(for: host, mode) {
            let owner = self.host(resource.holds[obstacle].host)
            self.finishReleases(of: name, &context) { $0 != host }
            return .contended(self.contention(owner, context))
        }
        self.publish(value, under: resource.holds[own], of: name, &context)
        var hold = MemoryHold(host: host, mode: mode, grant: context.nextGrant())
        hold.token =
            resource.holds[own].mode == mode
            ? resource.holds[own].token : self.token(for: mode, &context)
        self.resources[name]?.holds[own] = hold
        let answer = self.answer(name, hold, context)
        self.settle(name, &context)
        return .granted(answer)
    }

    /// Moves the caller's hold to unlocked. A host that lost the lockspace may still let go, which
    /// spares the others the wait.
    mutating func release(
        _ name: Resource.Name, _ subject: CallSubject, _ context: inout MemoryContext
    ) throws(LockManagerError) {
        switch self.members[subject.host]?.standing {
        case .live, .lost: break
        case .leftBehind, .failing, nil: throw subject.failure(.lockspaceNotFound)
        }
        guard let index = self.resources.index(forKey: name),
            let hold = self.resources.values[index].removeHold(of: subject.host)
        else { return }
        let value = hold.state == .releasing ? hold.unpublished : subject.writing
        self.publish(value, under: hold, of: name, &context)
        self.settle(name, at: index, &context)
    }

    /// The caller's release failed; it is finished when the resource is next asked for, which it is
    /// already if somebody waits for it.
    mutating func postponeRelease(
        of name: Resource.Name, _ subject: CallSubject, _ context: inout MemoryContext
    ) {
        guard let own = self.resources[name]?.hold(of: subject.host),
            self.resources[name]?.holds[own].state == .held
        else { return }
        self.resources[name]?.holds[own].state = .releasing
        self.resources[name]?.holds[own].unpublished = subject.writing
        self.finishAwaitedRelease(of: name, by: subject.host, &context)
    }

    /// The host is no longer interested in the resource.
    mutating func forget(_ name: Resource.Name, by host: UInt64, _ context: inout MemoryContext) {
        guard let index = self.resources.index(forKey: name) else { return }
        self.resources.values[index].interests[host] = nil
        self.settle(name, at: index, &context)
    }

    /// Lets a host that does not exist hold the resource, in place of everybody else.
    mutating func simulateHolder(
        of name: Resource.Name, _ mode: LockMode, _ context: inout MemoryContext
    ) {
        self.resources[name]?.holds = []
        if mode > .null {
            let hold = MemoryHold(
                host: Self.simulatedHost, mode: mode, grant: context.nextGrant())
            self.resources[name, default: MemoryResource()].holds = [hold]
        }
        self.settle(name, &context)
    }

    // MARK: Adopting and purging

    private mutating func adopt(
        _ own: Int, of name: Resource.Name, _ mode: LockMode, _ adopting: Adoption,
        _ subject: CallSubject, _ context: inout MemoryContext
    ) throws(LockManagerError) -> AcquireOutcome {
        guard var hold = self.resources[name]?.holds[own], hold.state == .orphan else {
            throw subject.failure(.alreadyHeld)
        }
        guard adopting != .none else {
            throw subject.failure(.orphanInTheWay, advice: "adopt or purge it")
        }
        guard hold.mode == mode else { return .orphanInOtherMode }
        hold.grant = context.nextGrant()
        hold.state = .held
        hold.isKnownWanted = false
        self.resources[name]?.holds[own] = hold
        let answer = self.answer(name, hold, context)
        self.settle(name, &context)
        return .granted(answer)
    }

    /// Drops what an earlier process of the host left behind and nobody adopted.
    mutating func purgeOrphans(of host: UInt64, _ context: inout MemoryContext) {
        for name in self.touched(by: host) {
            guard let own = self.resources[name]?.hold(of: host),
                self.resources[name]?.holds[own].state == .orphan
            else { continue }
            self.abandon(name, by: host, &context)
        }
    }

    /// Drops the host's hold without a release, as when its holder is dead.
    private mutating func abandon(
        _ name: Resource.Name, by host: UInt64, _ context: inout MemoryContext
    ) {
        if let own = self.resources[name]?.hold(of: host),
            let hold = self.resources[name]?.holds.remove(at: own),
            hold.mode == .exclusive, context.rules.valueBlockLifetime == .whileWanted
        {
            self.loseValue(of: name, &context)
        }
        self.settle(name, &context)
    }

    /// Drops whatever the host holds or has interest in.
    mutating func abandonEverything(of host: UInt64, _ context: inout MemoryContext) {
        self.withdrawWaiters(of: host, .lockLost, &context)
        for name in self.touched(by: host) {
            self.resources[name]?.interests[host] = nil
            self.abandon(name, by: host, &context)
        }
    }

    /// The resources that the host holds, waits for, or has not forgotten.
    ///
    /// In an order that does not depend on hashing, so that a run can be replayed.
    func touched(by host: UInt64) -> [Resource.Name] {
        self.resources.filter { $0.value.concerns(host) }.keys
            .sorted { $0.description < $1.description }
    }

    // MARK: Granting

    mutating func grant(
        _ name: Resource.Name, _ mode: LockMode, to host: UInt64, _ context: inout MemoryContext
    ) -> Grant {
        let hold = MemoryHold(
            host: host, mode: mode, grant: context.nextGrant(),
            token: self.token(for: mode, &context))
        return Self.grant(hold, on: &self.resources[name, default: MemoryResource()], context)
    }

    private static func grant(
        _ hold: MemoryHold, on resource: inout MemoryResource, _ context: MemoryContext
    ) -> Grant {
        resource.holds.append(hold)
        let reading = resource.showValue(
            to: hold.host, context.rules.capabilities.valueBlock)
        return Grant(id: hold.grant, value: reading, token: hold.token)
    }

    /// Tells the host of its hold; from then on it has seen the value block as it stands.
    private mutating func answer(
        _ name: Resource.Name, _ hold: MemoryHold, _ context: MemoryContext
    ) -> Grant {
        let reading = self.resources[name, default: MemoryResource()].showValue(
            to: hold.host, context.rules.capabilities.valueBlock)
        return Grant(id: hold.grant, value: reading, token: hold.token)
    }

    private func token(for mode: LockMode, _ context: inout MemoryContext) -> FencingToken? {
        guard mode == .exclusive, context.rules.capabilities.fencingTokens else { return nil }
        return context.nextToken()
    }

    private func contention(_ owner: Host?, _ context: MemoryContext) -> Contention {
        Contention(owner: context.rules.capabilities.ownerInformation ? owner : nil)
    }

    mutating func publish(
        _ value: ValueBlock?, under hold: MemoryHold, of name: Resource.Name,
        _ context: inout MemoryContext
    ) {
        guard let value, hold.mode == .exclusive,
            context.rules.capabilities.valueBlock != .none
        else { return }
        self.resources[name]?.publish(value, by: hold.host, stamp: context.nextStamp())
    }

    mutating func loseValue(of name: Resource.Name, _ context: inout MemoryContext) {
        self.resources[name]?.value = nil
        self.resources[name]?.stamp = 0
        self.settle(name, &context)
    }
}
