import LockCore

/// What the faults in store do to one call.
struct CallCircumstances {
    /// Somebody is in the way, whoever holds the resource.
    var contention: Contention?
    /// The call may wait in the resource's queue.
    var mayWait = true

    fileprivate var pauseBefore = Duration.zero
    fileprivate var pauseAfter = Duration.zero
    fileprivate var incidents: [InMemoryCluster.Fault] = []
    fileprivate var failure: (code: LockErrorCode, hold: LockManagerError.Hold, status: Int32?)?

    init(_ faults: [InMemoryCluster.Fault], knowsOwners: Bool) {
        for fault in faults {
            switch fault {
            case .contention(let owner, let isPassing):
                self.contention = Contention(
                    owner: knowsOwners ? owner : nil, isPassing: isPassing)
            case .slowRequest(let pause): self.pauseBefore += pause
            case .slowAnswer(let pause): self.pauseAfter += pause
            case .failure(let code, let hold, let status): self.failure = (code, hold, status)
            case .lostValueBlock, .lostLockspace, .crash: self.incidents.append(fault)
            }
        }
        if self.failure != nil { self.mayWait = false }
    }
}

extension InMemoryLockManager {
    /// How far a call has come.
    fileprivate enum Progress<Answer> {
        indirect case pausing(CallCircumstances)
        case answered(Result<Answer, LockManagerError>, pauseAfter: Duration)
    }

    /// The way of every call: faults, delays, and the question whether this process still runs,
    /// around what the call does to the cluster. Without a delay it does not suspend.
    func perform<Answer>(
        _ subject: CallSubject, pausing pause: Duration = .zero,
        _ body: (inout ClusterState, CallCircumstances) throws(LockManagerError) -> Answer
    ) async throws(LockManagerError) -> Answer {
        let progress = self.begin(subject, pausing: pause, body)
        if case .answered(let answer, .zero) = progress { return try answer.get() }
        return try await self.finish(progress, subject, body)
    }

    /// On its own, as ``finish(_:_:_:)``, to keep the frames of calls that do not pause small.
    @inline(never)
    private func begin<Answer>(
        _ subject: CallSubject, pausing pause: Duration,
        _ body: (inout ClusterState, CallCircumstances) throws(LockManagerError) -> Answer
    ) -> Progress<Answer> {
        self.box.withState { state in
            var circumstances = CallCircumstances(
                state.faults.strike(subject),
                knowsOwners: self.rules.capabilities.ownerInformation)
            circumstances.pauseBefore += pause
            if circumstances.pauseBefore > .zero {
                if subject.call == .acquire { state.startDelay(subject) }
                return .pausing(circumstances)
            }
            return state.carryOut(subject, self.process, circumstances, body)
        }
    }

    @inline(never)
    private func finish<Answer>(
        _ progress: Progress<Answer>, _ subject: CallSubject,
        _ body: (inout ClusterState, CallCircumstances) throws(LockManagerError) -> Answer
    ) async throws(LockManagerError) -> Answer {
        var progress = progress
        if case .pausing(var circumstances) = progress {
            await self.box.pause(circumstances.pauseBefore)
            progress = self.box.withState { state in
                if state.endDelay(subject) { circumstances.contention = Contention() }
                return state.carryOut(subject, self.process, circumstances, body)
            }
        }
        guard case .answered(let answer, let pauseAfter) = progress else {
            preconditionFailure("a call pauses once before it takes effect")
        }
        if pauseAfter > .zero { await self.box.pause(pauseAfter) }
        return try answer.get()
    }
}

extension InMemoryLockManager {
    /// A call that only concerns one lockspace.
    func within<Answer>(
        _ lockspace: Lockspace.ID, _ subject: CallSubject,
        _ body: (inout MemoryLockspace, inout MemoryContext) throws(LockManagerError) -> Answer
    ) async throws(LockManagerError) -> Answer {
        try await self.perform(subject) { state, _ throws(LockManagerError) in
            try state.withLockspace(lockspace, body)
        }
    }

    /// Suspends until the waiting call has its answer. Cancelling the task withdraws it.
    func answer(
        to waiter: MemoryWaiter.ID
    ) async -> Result<AcquireOutcome, LockManagerError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.box.withState { $0.suspend(waiter, continuation) }
            }
        } onCancel: {
            self.box.withState { $0.cancelWaiter(waiter) }
        }
    }

    func subject(
        _ call: InMemoryCluster.Call, _ lockspace: Lockspace.ID? = nil
    ) -> CallSubject {
        CallSubject(call: call, host: self.host, lockspace: lockspace)
    }

    func subject(
        _ call: InMemoryCluster.Call, _ resource: Resource.ID, writing value: ValueBlock? = nil
    ) -> CallSubject {
        CallSubject(
            call: call, host: self.host, lockspace: resource.lockspace, resource: resource.name,
            writing: value)
    }

    /// A hold is shared or exclusive.
    static func checkMode(
        _ mode: LockMode, _ subject: CallSubject
    ) throws(LockManagerError) {
        guard mode >= .shared else { throw subject.failure(.invalidRequest) }
    }
}

extension ClusterState {
    fileprivate mutating func carryOut<Answer>(
        _ subject: CallSubject, _ process: Int, _ circumstances: CallCircumstances,
        _ body: (inout ClusterState, CallCircumstances) throws(LockManagerError) -> Answer
    ) -> InMemoryLockManager.Progress<Answer> {
        for incident in circumstances.incidents { self.strike(incident, subject) }
        let answer: Result<Answer, LockManagerError>
        do throws(LockManagerError) {
            try self.checkReach(subject, process)
            try self.checkLength(of: subject)
            if circumstances.failure == nil {
                answer = .success(try body(&self, circumstances))
            } else {
                answer = .failure(self.fail(subject, circumstances, body))
            }
        } catch {
            answer = .failure(error)
        }
        return .answered(answer, pauseAfter: circumstances.pauseAfter)
    }

    /// Fails a call, after it took effect or without that.
    private mutating func fail<Answer>(
        _ subject: CallSubject, _ circumstances: CallCircumstances,
        _ body: (inout ClusterState, CallCircumstances) throws(LockManagerError) -> Answer
    ) -> LockManagerError {
        guard let failure = circumstances.failure else {
            preconditionFailure("no failure was injected")
        }
        if failure.hold == .unknown && self.faults.tookEffect() {
            // What the call would have answered, an error included, gets lost on its way, so the
            // host has seen nothing of the value block.
            let seen = self.seenStamp(subject)
            _ = try? body(&self, circumstances)
            self.setSeenStamp(subject, seen)
        } else if subject.call == .release {
            self.postponeRelease(subject)
        }
        return subject.failure(failure.code, hold: failure.hold, status: failure.status)
    }

    private mutating func strike(_ fault: InMemoryCluster.Fault, _ subject: CallSubject) {
        switch fault {
        case .crash:
            self.crash(subject.host)
        case .lostLockspace(let certainFor):
            guard let lockspace = subject.lockspace else { return }
            self.withLockspace(lockspace) {
                $0.lose(
                    subject.host, reason: "a fault was injected", certainFor: certainFor, &$1)
            }
        case .lostValueBlock:
            guard let resource = subject.resourceID else { return }
            self.withLockspace(resource.lockspace) { $0.loseValue(of: resource.name, &$1) }
        case .contention, .slowRequest, .slowAnswer, .failure:
            break
        }
    }

    /// Fails for a process that has ended, and for a host that reaches nothing.
    private mutating func checkReach(
        _ subject: CallSubject, _ process: Int
    ) throws(LockManagerError) {
        let host = self.host(subject.host)
        guard host.isUp, host.process == process else {
            throw subject.failure(.managerUnavailable, layer: .daemon)
        }
        guard host.isCutOff else { return }
        if subject.call == .release { self.postponeRelease(subject) }
        if self.context.rules.capabilities.leasesOnStorage {
            throw subject.failure(.ioTimedOut, layer: .storage)
        }
        throw subject.failure(.managerUnavailable, layer: .daemon)
    }

    private func seenStamp(_ subject: CallSubject) -> UInt64? {
        guard let id = subject.resourceID else { return nil }
        return self.lockspaces[id.lockspace]?.resources[id.name]?.interests[subject.host]
    }

    /// Takes back what an acquire or convert has shown; without a stamp seen before, the next
    /// reading is a change.
    private mutating func setSeenStamp(_ subject: CallSubject, _ seen: UInt64?) {
        guard subject.call == .acquire || subject.call == .convert, let id = subject.resourceID,
            self.lockspaces[id.lockspace]?.resources[id.name]?.interests[subject.host] != nil
        else { return }
        self.lockspaces[id.lockspace]?.resources[id.name]?.interests[subject.host] = seen ?? .max
    }

    private mutating func postponeRelease(_ subject: CallSubject) {
        guard let resource = subject.resourceID else { return }
        self.withLockspace(resource.lockspace) {
            $0.postponeRelease(of: resource.name, subject, &$1)
        }
    }
}
