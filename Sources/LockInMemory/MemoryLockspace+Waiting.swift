import LockCore

/// The queue: first in, first out, and nobody overtakes.
extension MemoryLockspace {
    /// Puts a request at the end of the queue, and tells those who are in its way.
    mutating func enqueue(
        _ waiter: MemoryWaiter, for name: Resource.Name, _ context: inout MemoryContext
    ) {
        self.resources[name, default: MemoryResource()].waiters.append(waiter)
        self.tellHolders(of: name, inTheWayOf: waiter, &context)
        self.finishReleases(of: name, &context) { $0 != waiter.host }
    }

    /// Lets the first waiters have the resource, as far as they can, and drops the record if
    /// nothing is left in it.
    mutating func settle(_ name: Resource.Name, _ context: inout MemoryContext) {
        guard let index = self.resources.index(forKey: name) else { return }
        self.settle(name, at: index, &context)
    }

    mutating func settle(
        _ name: Resource.Name, at index: Dictionary<Resource.Name, MemoryResource>.Index,
        _ context: inout MemoryContext
    ) {
        if self.resources.values[index].isSettled {
            if self.resources.values[index].isForgotten(context.rules.valueBlockLifetime) {
                self.resources.remove(at: index)
            }
            return
        }
        while let first = self.resources[name]?.waiters.first,
            self.resources[name]?.obstacle(for: first.host, first.mode) == nil
        {
            self.resources[name]?.waiters.removeFirst()
            let grant = self.grant(name, first.mode, to: first.host, &context)
            context.notices.append(.answer(first.id, .success(.granted(grant))))
        }
        if let next = self.resources[name]?.waiters.first {
            self.tellHolders(of: name, inTheWayOf: next, &context)
        }
        if self.resources[name]?.isForgotten(context.rules.valueBlockLifetime) == true {
            self.resources[name] = nil
        }
    }

    /// Answers the host's waiting request for the resource: it was not granted.
    mutating func cancelWaiters(
        of host: UInt64, for name: Resource.Name, _ context: inout MemoryContext
    ) {
        self.removeWaiters(for: name, &context, with: .success(.contended(Contention()))) {
            $0.host == host
        }
    }

    /// Answers the one waiting request: it was not granted.
    mutating func cancelWaiter(
        _ id: MemoryWaiter.ID, for name: Resource.Name, _ context: inout MemoryContext
    ) {
        self.removeWaiters(for: name, &context, with: .success(.contended(Contention()))) {
            $0.id == id
        }
    }

    /// Answers all waiting requests of a host that can be granted nothing any more.
    mutating func withdrawWaiters(
        of host: UInt64, _ code: LockErrorCode, _ context: inout MemoryContext
    ) {
        for name in self.touched(by: host) {
            let subject = CallSubject(
                call: .acquire, host: host, lockspace: self.id, resource: name)
            self.removeWaiters(for: name, &context, with: .failure(subject.failure(code))) {
                $0.host == host
            }
        }
    }

    /// Finishes releases that failed before, where the host can be reached.
    mutating func finishReleases(
        of name: Resource.Name, _ context: inout MemoryContext, where isMeant: (UInt64) -> Bool
    ) {
        let unreachable = context.unreachable
        guard
            let index = self.resources[name]?.holds.firstIndex(where: {
                $0.state == .releasing && isMeant($0.host) && !unreachable.contains($0.host)
            })
        else { return }
        if let hold = self.resources[name]?.holds.remove(at: index) {
            self.publish(hold.unpublished, under: hold, of: name, &context)
        }
        self.finishReleases(of: name, &context, where: isMeant)
        self.settle(name, &context)
    }

    /// Finishes the host's failed release of a resource that somebody waits for.
    mutating func finishAwaitedRelease(
        of name: Resource.Name, by host: UInt64, _ context: inout MemoryContext
    ) {
        guard self.resources[name]?.waiters.isEmpty == false else { return }
        self.finishReleases(of: name, &context) { $0 == host }
    }

    private mutating func removeWaiters(
        for name: Resource.Name, _ context: inout MemoryContext,
        with answer: Result<AcquireOutcome, LockManagerError>,
        where isMeant: (MemoryWaiter) -> Bool
    ) {
        guard let waiters = self.resources[name]?.waiters, waiters.contains(where: isMeant) else {
            return
        }
        for waiter in waiters where isMeant(waiter) {
            context.notices.append(.answer(waiter.id, answer))
        }
        self.resources[name]?.waiters.removeAll(where: isMeant)
        self.settle(name, &context)
    }

    /// Tells each holder once that somebody waits for its grant.
    private mutating func tellHolders(
        of name: Resource.Name, inTheWayOf waiter: MemoryWaiter, _ context: inout MemoryContext
    ) {
        for index in self.resources[name]?.holds.indices ?? 0..<0 {
            guard let hold = self.resources[name]?.holds[index], hold.state == .held,
                hold.host != waiter.host, !hold.isKnownWanted,
                !hold.mode.isCompatible(with: waiter.mode),
                let member = self.members[hold.host], member.standing == .live
            else { continue }
            self.resources[name]?.holds[index].isKnownWanted = true
            let event = LockManagerEvent(
                lockspace: self.id, membership: member.id,
                what: .wanted(name, by: hold.grant))
            context.notices.append(.event(event, host: hold.host))
        }
    }
}
