import LockCore

/// One machine of the cluster.
struct MemoryHost {
    /// Which of the machine's processes runs; earlier ones get no answers any more.
    var process = 1
    /// The machine has not crashed.
    var isUp = true
    /// Nothing reaches the machine, and it reaches nothing.
    var isCutOff = false
    /// What the running process says about its lock manager.
    var isRunning: Bool
    var events: AsyncStream<LockManagerEvent>
    var reports: AsyncStream<LockManagerEvent>.Continuation
}

/// A call that waits in a resource's queue.
struct WaitingCall {
    /// Which side was first.
    enum Progress {
        /// Queued; the caller's task is not suspended yet. Next: suspended, or answered.
        case queued
        /// The caller's task is suspended. Next: gone.
        case suspended(CheckedContinuation<Result<AcquireOutcome, LockManagerError>, Never>)
        /// Answered before the caller's task was suspended. Next: gone.
        case answered(Result<AcquireOutcome, LockManagerError>)
    }

    var subject: CallSubject
    var progress = Progress.queued
}

/// The whole cluster: hosts, lockspaces, and the faults in store.
struct ClusterState {
    var context: MemoryContext
    var hosts: [UInt64: MemoryHost] = [:]
    var lockspaces: [Lockspace.ID: MemoryLockspace] = [:]
    var faults: FaultPlan
    var leases = MemoryLeases()
    private var waiting: [MemoryWaiter.ID: WaitingCall] = [:]
    /// Acquires that an injected delay holds up, by resource and host; true once cancelled.
    private var delayed: [Resource.ID: [UInt64: Bool]] = [:]

    init(context: MemoryContext) {
        self.context = context
        self.faults = FaultPlan(seed: context.rules.seed)
    }

    // MARK: Hosts

    /// The host's running process; the host is started if there was none.
    mutating func host(_ number: UInt64) -> MemoryHost {
        precondition(number != MemoryLockspace.simulatedHost, "hosts are counted from 1")
        if let host = self.hosts[number] { return host }
        let (events, reports) = AsyncStream.makeStream(of: LockManagerEvent.self)
        let host = MemoryHost(
            isRunning: self.context.rules.isRunning, events: events, reports: reports)
        self.hosts[number] = host
        return host
    }

    /// Ends the host's process and starts another.
    mutating func restart(_ number: UInt64) -> MemoryHost {
        var host = self.host(number)
        host.reports.finish()
        (host.events, host.reports) = AsyncStream.makeStream(of: LockManagerEvent.self)
        host.process += 1
        host.isUp = true
        host.isRunning = self.context.rules.isRunning
        self.hosts[number] = host
        self.everyLockspace { $0.leaveBehind(number, &$1) }
        self.updateReachability(of: number)
        return host
    }

    mutating func crash(_ number: UInt64) {
        self.host(number).reports.finish()
        self.hosts[number]?.isUp = false
        self.updateReachability(of: number)
        let expires = self.context.rules.crashedHostExpires
        self.everyLockspace { $0.crash(number, expires: expires, &$1) }
    }

    mutating func cutOff(_ number: UInt64, _ isCutOff: Bool) {
        _ = self.host(number)
        self.hosts[number]?.isCutOff = isCutOff
        self.updateReachability(of: number)
        if isCutOff { return }
        self.everyLockspace { space, context in
            for name in space.touched(by: number) {
                space.finishAwaitedRelease(of: name, by: number, &context)
            }
        }
    }

    mutating func declareDead(_ number: UInt64) {
        self.everyLockspace { $0.declareDead(number, &$1) }
    }

    /// In an order that does not depend on hashing, so that a run can be replayed.
    mutating func everyLockspace(
        _ body: (inout MemoryLockspace, inout MemoryContext) -> Void
    ) {
        for id in self.lockspaces.keys.sorted(by: { $0.name < $1.name }) {
            self.withLockspace(id) { body(&$0, &$1) }
        }
    }

    private mutating func updateReachability(of number: UInt64) {
        guard let host = self.hosts[number] else { return }
        if host.isUp && !host.isCutOff {
            self.context.unreachable.remove(number)
        } else {
            self.context.unreachable.insert(number)
        }
    }

    // MARK: Lockspaces

    /// Works on a lockspace in its place; one that is not known yet begins empty, and one that is
    /// empty afterwards is dropped.
    mutating func withLockspace<Answer, Failure>(
        _ id: Lockspace.ID,
        _ body: (inout MemoryLockspace, inout MemoryContext) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        var isForgotten = false
        defer { if isForgotten { self.lockspaces[id] = nil } }
        return try Self.expireFirst(
            &self.lockspaces[id, default: MemoryLockspace(id)], &self.context, &isForgotten, body)
    }

    private static func expireFirst<Answer, Failure>(
        _ space: inout MemoryLockspace, _ context: inout MemoryContext,
        _ isForgotten: inout Bool,
        _ body: (inout MemoryLockspace, inout MemoryContext) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        defer { isForgotten = space.isForgotten }
        space.expire(&context)
        return try body(&space, &context)
    }

    /// Refuses names that the lock manager has no room for.
    func checkLength(of subject: CallSubject) throws(LockManagerError) {
        let capabilities = self.context.rules.capabilities
        if let name = subject.lockspace?.name, name.utf8.count > capabilities.longestLockspaceName {
            throw subject.failure(
                .nameTooLong,
                advice: "a lockspace's name has at most \(capabilities.longestLockspaceName) bytes")
        }
        if let name = subject.resource?.description,
            name.utf8.count > capabilities.longestResourceName
        {
            throw subject.failure(
                .nameTooLong,
                advice: "a resource's name has at most \(capabilities.longestResourceName) bytes")
        }
    }

    // MARK: Calls that wait

    mutating func startWaiting(_ id: MemoryWaiter.ID, _ subject: CallSubject) {
        self.waiting[id] = WaitingCall(subject: subject)
    }

    /// The caller's task has stopped for the answer.
    mutating func suspend(
        _ id: MemoryWaiter.ID,
        _ continuation: CheckedContinuation<Result<AcquireOutcome, LockManagerError>, Never>
    ) {
        guard case .answered(let answer) = self.waiting[id]?.progress else {
            self.waiting[id]?.progress = .suspended(continuation)
            return
        }
        self.waiting[id] = nil
        continuation.resume(returning: answer)
    }

    /// The caller's task was cancelled.
    mutating func cancelWaiter(_ id: MemoryWaiter.ID) {
        guard let subject = self.waiting[id]?.subject, let lockspace = subject.lockspace,
            let name = subject.resource
        else { return }
        self.withLockspace(lockspace) { $0.cancelWaiter(id, for: name, &$1) }
    }

    /// Tells what a change has brought about.
    mutating func deliverNotices() {
        guard !self.context.notices.isEmpty else { return }
        for notice in self.context.notices {
            switch notice {
            case .event(let event, let host):
                self.hosts[host]?.reports.yield(event)
            case .answer(let id, let answer):
                self.answer(id, answer)
            }
        }
        self.context.notices = []
    }

    private mutating func answer(
        _ id: MemoryWaiter.ID, _ answer: Result<AcquireOutcome, LockManagerError>
    ) {
        switch self.waiting[id]?.progress {
        case .queued:
            self.waiting[id]?.progress = .answered(answer)
        case .suspended(let continuation):
            self.waiting[id] = nil
            continuation.resume(returning: answer)
        case .answered, nil:
            break
        }
    }

    // MARK: Acquires held up by a fault

    mutating func startDelay(_ subject: CallSubject) {
        guard let resource = subject.resourceID else { return }
        self.delayed[resource, default: [:]][subject.host] = false
    }

    mutating func cancelDelayed(_ resource: Resource.ID, on host: UInt64) {
        guard self.delayed[resource]?[host] != nil else { return }
        self.delayed[resource]?[host] = true
    }

    /// Was the acquire cancelled meanwhile?
    mutating func endDelay(_ subject: CallSubject) -> Bool {
        guard subject.call == .acquire, let resource = subject.resourceID else { return false }
        let wasCancelled = self.delayed[resource]?.removeValue(forKey: subject.host) ?? false
        if self.delayed[resource]?.isEmpty == true { self.delayed[resource] = nil }
        return wasCancelled
    }
}

extension CallSubject {
    var resourceID: Resource.ID? {
        guard let lockspace = self.lockspace, let resource = self.resource else { return nil }
        return Resource.ID(lockspace: lockspace, name: resource)
    }
}
