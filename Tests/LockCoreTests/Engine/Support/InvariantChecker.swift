import LockCore

/// Watches a ``LockspaceMachine`` from outside and knows what must always hold.
struct InvariantChecker {
    struct Violation: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    /// Calls that the manager has not answered. At most one for each resource.
    private(set) var underWay: [Resource.Name: ResourceCall] = [:]
    private(set) var hasAskedToLeave = false
    private var cancelled: Set<Resource.Name> = []
    /// Resources whose last acquire failed so that the hold is unknown.
    private var unclear: Set<Resource.Name> = []
    private var timers: [Resource.Name: Duration] = [:]
    /// Actions without a reply, and of clients that are gone.
    private var pending: [ActionID: Client.ID] = [:]
    private var orphaned: Set<ActionID> = []
    private var gone: Set<Client.ID> = []
    private var before: [Resource.Name: ResourceMachine] = [:]

    // MARK: What happened

    mutating func sent(_ id: ActionID, _ client: Client.ID) { self.pending[id] = client }

    mutating func answered(_ name: Resource.Name, _ answer: ResourceAnswer) {
        if case .acquire = self.underWay[name], case .outcome(.failure(let error)) = answer,
            error.hold == .unknown
        {
            self.unclear.insert(name)
        }
        self.underWay[name] = nil
        self.cancelled.remove(name)
    }

    /// The client's actions may be answered once more, or never.
    mutating func vanished(_ client: Client.ID) {
        self.gone.insert(client)
        for (id, sender) in self.pending where sender == client {
            self.pending[id] = nil
            self.orphaned.insert(id)
        }
    }

    var nextTimer: (Resource.Name, Duration)? {
        self.timers.min { ($0.value, $0.key.word) < ($1.value, $1.key.word) }
            .map { ($0.key, $0.value) }
    }

    mutating func fired(_ name: Resource.Name) { self.timers[name] = nil }

    /// Keeps the state that the next effects are compared with.
    mutating func remember(_ machine: LockspaceMachine) {
        self.before = [:]
        for resource in machine.resources.values { self.before[resource.name] = resource }
    }

    // MARK: Effects

    mutating func check(_ effects: [Effect], _ machine: LockspaceMachine) throws {
        for effect in effects { try self.check(effect) }
        for resource in machine.resources.values { try self.check(resource) }
        try self.checkCounts(machine)
        try self.checkOrder(effects, machine)
    }

    private mutating func check(_ effect: Effect) throws {
        switch effect {
        case .reply(let id, _):
            guard self.pending.removeValue(forKey: id) != nil || self.orphaned.remove(id) != nil
            else { throw Violation("action \(id.rawValue) is answered twice") }
        case .ask(let name, let call):
            guard self.underWay[name] == nil else {
                throw Violation("two calls at once about \(name): \(call)")
            }
            self.underWay[name] = call
            if self.unclear.remove(name) != nil {
                guard case .release = call else {
                    throw Violation("an unclear hold on \(name) is not released first")
                }
            }
        case .cancelAcquire(let name):
            guard case .acquire = self.underWay[name] else {
                throw Violation("nothing to cancel about \(name)")
            }
            guard self.cancelled.insert(name).inserted else {
                throw Violation("\(name) is cancelled twice")
            }
        case .wake(let name, at: let time): self.timers[name] = time
        case .askLockspace(.leave):
            guard self.underWay.isEmpty, !self.hasAskedToLeave else {
                throw Violation("left with calls under way, or twice")
            }
            self.hasAskedToLeave = true
        case .lost, .wanted, .askLockspace, .became, .globalLock: break
        }
    }

    /// After a wake, the next one lies in the future; else the runner would spin.
    func checkWakesAgain(_ name: Resource.Name, after now: Duration) throws {
        if let next = self.timers[name], next <= now { throw Violation("\(name) wakes for ever") }
    }

    // MARK: State

    private func check(_ resource: ResourceMachine) throws {
        let locks = resource.locks
        func expect(_ condition: Bool, _ rule: String) throws {
            guard condition else { throw Violation("\(resource.name): \(rule): \(resource)") }
        }
        try expect(resource.hold != .unlocked || locks.isEmpty, "locks without a hold")
        try expect(resource.hold != .exclusive || locks.count <= 1, "exclusive means one")
        try expect(locks.allSatisfy { $0.mode == resource.hold }, "locks have the hold's mode")
        try expect(Set(locks.map(\.owner)).count == locks.count, "an owner has one lock")
        try expect((resource.state == .idle) == (self.underWay[resource.name] == nil), "calls")
        let order = resource.waiting.map(\.id.rawValue)
        try expect(order == order.sorted(), "first come, first served")
        guard resource.state == .idle else { return }
        try expect(resource.hold == .unlocked || !locks.isEmpty, "a hold kept for nobody")
        try expect(!resource.isDone, "done, and still there")
        guard let head = resource.waiting.first else { return }
        try expect(
            resource.hold != .unlocked || self.timers[resource.name] != nil,
            "waits for nothing: \(head)")
        try expect(
            resource.hold != .shared || head.mode == .exclusive, "could share: \(head)")
    }

    private func checkCounts(_ machine: LockspaceMachine) throws {
        let all = machine.resources.values.map(\.locks.count).reduce(0, +)
        let volumes = machine.resources.values
            .filter { if case .logicalVolume = $0.name { true } else { false } }
            .map(\.locks.count).reduce(0, +)
        guard machine.lockCount == all, machine.volumeLockCount == volumes else {
            throw Violation("\(all) locks counted as \(machine.lockCount)")
        }
        let waiting = machine.resources.values.flatMap { $0.waiting.map(\.id) }
        for id in waiting where self.pending[id] == nil {
            throw Violation("action \(id.rawValue) waits, and was answered or its client is gone")
        }
        // A conversion under way keeps the lock of a client that has gone meanwhile.
        for resource in machine.resources.values where resource.state == .idle {
            guard !resource.locks.contains(where: { $0.owner.map(self.gone.contains) ?? false })
            else { throw Violation("\(resource.name): a client that is gone holds a lock") }
        }
    }

    /// A request that is granted from the queue leaves none behind that came before it.
    private func checkOrder(_ effects: [Effect], _ machine: LockspaceMachine) throws {
        var granted: Set<ActionID> = []
        for case .reply(let id, let reply) in effects {
            if case .granted = reply.content, reply.error == nil { granted.insert(id) }
        }
        for (name, old) in self.before {
            let left = machine.resources[name]?.waiting.map(\.id) ?? []
            let order = old.waiting.map(\.id)
            guard let last = order.lastIndex(where: { granted.contains($0) }) else { continue }
            guard !order[..<last].contains(where: { left.contains($0) }) else {
                throw Violation("\(name): \(order[last].rawValue) overtook others")
            }
        }
    }

    func checkNothingLeft(_ machine: LockspaceMachine) throws {
        guard self.pending.isEmpty else {
            throw Violation("never answered: \(self.pending.keys.map(\.rawValue).sorted())")
        }
        guard self.underWay.isEmpty, machine.lockCount == 0 else {
            throw Violation("calls or locks are left")
        }
    }
}
