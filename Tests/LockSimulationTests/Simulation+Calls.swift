import LockCore
import LockInMemory

// What a runner would do with effects, and the way of a call to the lock manager and back.
extension Simulation {
    func perform(_ effect: Effect, _ box: MachineBox) throws {
        switch effect {
        case .reply(let id, let reply): try self.answered(id, reply, box)
        case .ask(let name, let call): try self.send(name, call, box)
        case .cancelAcquire(let name):
            guard let id = box.underWay[name], let call = self.calls[id],
                case .resource(_, .acquire) = call.what
            else { throw Violation("nothing to cancel about \(name)") }
            guard box.cancelled.insert(name).inserted else {
                throw Violation("\(name) is cancelled twice")
            }
            self.note("    host \(box.host) cancels \(name)")
            // It cannot overtake the call.
            self.queue.put(.cancels(box, name), at: self.now + call.fate.there)
        case .wake(let name, let time):
            box.wishes[name] = time
            self.queue.put(.wakes(box, name), at: max(time, self.now))
        case .askLockspace(let call):
            if case .leave = call {
                guard box.underWay.isEmpty, !box.hasAskedToLeave else {
                    throw Violation("left with calls under way, or twice")
                }
                box.hasAskedToLeave = true
            }
            self.note("    host \(box.host) asks \(box.id): \(call.words)")
            self.send(.lockspace(call), box, self.fate(box, .volumeGroup))
        case .became(let milestone): self.became(milestone, box)
        case .globalLock(let enabled):
            self.hosts[box.host]?.globalLock.switched(box.id, enabled: enabled)
        case .lost, .wanted: break
        }
    }

    private func became(_ milestone: LockspaceMachine.Milestone, _ box: MachineBox) {
        switch milestone {
        case .prepared(let prepared):
            if prepared.carriesGlobalLock {
                self.hosts[box.host]?.globalLock.carrierFound(box.id, isJoined: true)
            }
        case .failed: self.ended(box, .dropped)
        case .stopped(let reason): self.ended(box, reason)
        case .started: box.hasAskedToLeave = false
        case .stopping, .unused: break
        }
    }

    private func ended(_ box: MachineBox, _ reason: LeaveReason) {
        guard !box.isDead else { return }
        self.hosts[box.host]?.boxes[box.id] = nil
        let remaining = self.hosts[box.host]?.boxesInOrder.map(\.id) ?? []
        self.hosts[box.host]?.globalLock.left(box.id, reason, remaining: remaining)
        if remaining.isEmpty { self.hosts[box.host]?.globalLock.noLockspaceLeft() }
    }

    // MARK: Out

    private func send(_ name: Resource.Name, _ call: ResourceCall, _ box: MachineBox) throws {
        guard box.underWay[name] == nil else {
            throw Violation("two calls at once about \(name): \(call.words)")
        }
        if box.unclear.remove(name) != nil {
            guard case .release = call else {
                throw Violation("an unclear hold on \(name) is not released first")
            }
        }
        self.note("    host \(box.host) asks \(name): \(call.words)")
        if self.bug == .dropsReleases, case .release = call { return }
        let id = self.send(.resource(name, call), box, self.fate(box, name))
        box.underWay[name] = id
    }

    @discardableResult
    private func send(
        _ what: Call.What, _ box: MachineBox, _ fate: Fate
    ) -> SimulatedCluster.CallID {
        self.lastCall += 1
        let id = SimulatedCluster.CallID(rawValue: self.lastCall)
        let call = Call(id: id, box: box, what: what, fate: fate)
        self.calls[id] = call
        self.queue.put(.arrives(call), at: self.now + fate.there)
        return id
    }

    /// The fate of a call follows from its place among those of its resource, so that it stays the
    /// same when something elsewhere is left out.
    private func fate(_ box: MachineBox, _ name: Resource.Name) -> Fate {
        let number = box.callCounts[name, default: 0]
        box.callCounts[name] = number + 1
        var place: UInt64 = 0
        for byte in "\(box.id)\(name)".utf8 { place = place &* 31 &+ UInt64(byte) }
        place = place &* 31 &+ box.host &* 1009 &+ number
        var random = SeededRandom(seed: self.script.seed &* 0x9e37_79b9 ^ place)
        func delay() -> Duration {
            random.happens(withProbability: 0.4)
                ? .zero : .milliseconds(.random(in: 0...15, using: &random))
        }
        var fate = Fate(there: delay(), back: delay(), fault: .none)
        let chance = Int.random(in: 0..<1000, using: &random)
        guard self.hasFaults else { return fate }
        switch chance / max(1, self.script.faultsPerMille) {
        case _ where self.script.faultsPerMille == 0: break
        case 0: fate.fault = .passingConflict
        case 1: fate.fault = .failure
        case 2: fate.fault = .unknownBefore
        case 3: fate.fault = .unknownAfter
        default: break
        }
        return fate
    }

    // MARK: There

    func arrives(_ call: Call) throws {
        guard !call.box.isDead else { return }
        switch call.what {
        case .lockspace(let what): self.arrives(what, call)
        case .resource(let name, let what):
            let id = Resource.ID(lockspace: call.box.id, name: name)
            guard let answer = self.carryOut(what, id, call) else { return }
            self.answer(call, .resource(answer))
        }
    }

    private func answer(_ call: Call, _ answer: Answer) {
        self.queue.put(.answered(call, answer), at: self.now + call.fate.back)
    }

    private func arrives(_ what: LockspaceCall, _ call: Call) {
        let (box, space) = (call.box, call.box.id)
        let fails = call.fate.fault == .failure
        switch what {
        case .prepare:
            if fails { return self.answer(call, .prepared(.failure(Self.refusal))) }
            let carries =
                self.script.capabilities.globalLock == .inVolumeGroup
                && self.cluster.spaces[space]?.carriesGlobalLock ?? true
            let prepared = Prepared(box.machine.lockspace, carriesGlobalLock: carries)
            self.answer(call, .prepared(.success(prepared)))
        case .join:
            if fails { return self.answer(call, .joined(.failure(Self.refusal))) }
            self.answer(call, .joined(.success(self.cluster.join(space, box.host))))
        case .leave(let reason):
            if fails, reason == .stopped {
                let error = SimulatedCluster.error(.lockspaceBusy)
                return self.answer(call, .left(error))
            }
            self.cluster.leave(space, box.host, reason)
            self.answer(call, .left(nil))
        case .otherHosts(let id):
            self.answer(call, .hosts(id, self.cluster.otherHosts(space, than: box.host)))
        case .findFreeLease(_, let id): self.answer(call, .lease(id))
        }
    }

    private static let refusal = SimulatedCluster.error(.badArguments)

    /// Nil if the call waits.
    private func carryOut(
        _ what: ResourceCall, _ id: Resource.ID, _ call: Call
    ) -> ResourceAnswer? {
        let host = call.box.host
        let isUnknown = call.fate.fault == .unknownBefore || call.fate.fault == .unknownAfter
        let error = SimulatedCluster.error(.storageFailed, hold: isUnknown ? .unknown : .unchanged)
        switch what {
        case .acquire(let mode, let options, _, _):
            switch call.fate.fault {
            case .passingConflict:
                return .outcome(.success(.contended(Contention(isPassing: true))))
            case .failure, .unknownBefore: return .outcome(.failure(error))
            case .unknownAfter:
                _ = self.cluster.acquire(id, mode, waiting: false, host, call.id)
                self.cluster.forgetSeen(id, host)
                return .outcome(.failure(error))
            case .none:
                let result = self.cluster.acquire(
                    id, mode, waiting: options.waiting, host, call.id)
                if self.bug == .grantsWhatIsContended, case .success(.contended) = result {
                    return .outcome(.success(.granted(Grant(id: Grant.ID(0)))))
                }
                return result.map { .outcome($0) }
            }
        case .convert(let mode, let value):
            switch call.fate.fault {
            case .failure, .unknownBefore: return .outcome(.failure(error))
            case .passingConflict, .unknownAfter, .none:
                let result = self.cluster.convert(id, to: mode, writing: value, host)
                guard call.fate.fault == .unknownAfter else { return .outcome(result) }
                self.cluster.forgetSeen(id, host)
                return .outcome(.failure(error))
            }
        case .release(let value):
            guard call.fate.fault == .none || call.fate.fault == .passingConflict else {
                self.cluster.postponeRelease(id, writing: value, host)
                self.queue.put(.finishesRelease(id, host), at: self.now + .milliseconds(40))
                return .done(error)
            }
            self.cluster.release(id, writing: value, host)
            return .done(nil)
        case .setGlobalLock(let enabled, _):
            self.cluster.setGlobalLock(id.lockspace, enabled: enabled)
            return .done(nil)
        case .forget, .freeLease, .simulateRemoteHolder: return .done(nil)
        }
    }

    /// Sends what the manager has to tell by itself on its way.
    func deliverNews() {
        for (id, answer) in self.cluster.answers {
            if let call = self.calls[id] { self.answer(call, .resource(answer)) }
        }
        self.cluster.answers = []
        for (host, space, membership, name, grant) in self.cluster.wanted {
            guard let box = self.hosts[host]?.boxes[space] else { continue }
            self.queue.put(
                .wanted(box, membership, name, grant),
                at: self.now + .milliseconds(Int(grant.rawValue % 7)))
        }
        self.cluster.wanted = []
    }

    // MARK: Back

    func deliver(_ answer: Answer, to call: Call) throws {
        self.calls[call.id] = nil
        let box = call.box
        guard !box.isDead else { return }
        switch answer {
        case .resource(let answer):
            guard case .resource(let name, let what) = call.what else { return }
            box.underWay[name] = nil
            box.cancelled.remove(name)
            if case .acquire = what, case .outcome(.failure(let error)) = answer,
                error.hold == .unknown
            {
                box.unclear.insert(name)
            }
            try self.step(box, "host \(box.host): \(name) \(what.words): \(answer.words)") {
                $0.managerAnswered(answer, for: name, now: self.now)
            }
            if self.bug == .answersTwice, case .release = what,
                let id = self.pending.keys.min(by: { $0.rawValue < $1.rawValue })
            {
                try self.answered(id, .done, box)
            }
        case .prepared(let prepared):
            try self.step(box, "host \(box.host) prepared \(box.id)") {
                $0.prepareAnswered(prepared)
            }
        case .joined(let result):
            try self.step(box, "host \(box.host) joined \(box.id)") {
                $0.joinAnswered(result, now: self.now)
            }
        case .left(let error):
            try self.step(box, "host \(box.host) left \(box.id)") { $0.leaveAnswered(error) }
        case .hosts(let id, let others):
            try self.step(box, "host \(box.host): others \(others)") {
                $0.otherHostsAnswered(.success(others), for: id, now: self.now)
            }
        case .lease(let id):
            try self.step(box, "host \(box.host): lease") { $0.leaseAnswered(nil, for: id) }
        }
    }
}
