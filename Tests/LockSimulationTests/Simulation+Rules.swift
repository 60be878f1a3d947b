import LockCore

/// What is compared with the state after an input.
struct Snapshot {
    var state: LockspaceMachine.State
    var resources: [(name: Resource.Name, state: ResourceMachine.State, waiting: [ActionID])]

    init(_ machine: LockspaceMachine) {
        self.state = machine.state
        self.resources = machine.resources.values.map { resource in
            (resource.name, resource.state, resource.waiting.map(\.id))
        }
    }
}

// The rules, looked at after every event.
extension Simulation {
    func checkState(of box: MachineBox) throws {
        let machine = box.machine
        var all = 0
        var volumes = 0
        for resource in machine.resources.values {
            try self.check(resource, box)
            all += resource.locks.count
            if case .logicalVolume = resource.name { volumes += resource.locks.count }
        }
        guard machine.lockCount == all, machine.volumeLockCount == volumes else {
            throw Violation(
                "\(all) locks, \(volumes) of volumes, are counted as "
                    + "\(machine.lockCount), \(machine.volumeLockCount)")
        }
    }

    private func check(_ resource: ResourceMachine, _ box: MachineBox) throws {
        func expect(_ condition: Bool, _ rule: @autoclosure () -> String) throws {
            guard condition else {
                throw Violation("host \(box.host), \(resource.name): \(rule())")
            }
        }
        let (locks, state) = (resource.locks, resource.state)
        try expect(resource.hold != .unlocked || locks.isEmpty, "locks without a hold")
        try expect(resource.hold != .exclusive || locks.count <= 1, "exclusive means one")
        for lock in locks where lock.mode != resource.hold {
            throw Violation("host \(box.host), \(resource.name): a lock has another mode")
        }
        let isUnderWay = box.underWay[resource.name] != nil
        if self.bug != .dropsReleases { try expect((state == .idle) != isUnderWay, "calls") }
        var last: UInt64 = 0
        for request in resource.waiting {
            try expect(request.id.rawValue > last, "first come, first served")
            last = request.id.rawValue
            try expect(
                self.pending[request.id] != nil,
                "action \(last) waits, and was answered or its client is gone")
        }
        if !locks.isEmpty { try self.checkHolders(resource, box) }
        guard state == .idle else { return }
        try expect(resource.hold == .unlocked || !locks.isEmpty, "a hold kept for nobody")
        try expect(!resource.isDone, "done, and still there")
        for case let owner? in locks.map(\.owner) {
            let isThere = self.hosts[box.host]?.clients.values.contains(owner) ?? false
            try expect(isThere, "a client that is gone holds a lock")
        }
        guard let head = resource.waiting.first else { return }
        try expect(
            resource.hold != .unlocked || box.wishes[resource.name] != nil,
            "action \(head.id.rawValue) waits, and nothing is in its way")
        try expect(
            resource.hold != .shared || head.mode == .exclusive,
            "action \(head.id.rawValue) waits, and could share")
    }

    /// What a host believes to hold, it holds, and no other host believes otherwise.
    private func checkHolders(_ resource: ResourceMachine, _ box: MachineBox) throws {
        guard !box.isLost else { return }
        let id = Resource.ID(lockspace: box.id, name: resource.name)
        let mode = resource.sureMode
        let isHeld = self.cluster.holds(id).contains { hold in
            hold.host == box.host && hold.mode >= mode && !hold.isReleasing
        }
        guard isHeld else {
            throw Violation("host \(box.host) has \(resource.name) locked, and does not hold it")
        }
        for other in self.hosts.values where other.number != box.host {
            guard let otherBox = other.boxes[box.id], !otherBox.isLost,
                let theirs = otherBox.machine.resources[resource.name], !theirs.locks.isEmpty,
                !theirs.sureMode.isCompatible(with: mode)
            else { continue }
            throw Violation(
                "hosts \(box.host) and \(other.number) have \(resource.name) locked at once")
        }
    }

    /// A request that is granted from the queue leaves none behind that came before it.
    func checkOrder(_ effects: [Effect], _ before: Snapshot, _ box: MachineBox) throws {
        var granted: Set<ActionID> = []
        for case .reply(let id, let reply) in effects {
            if case .granted = reply.content, reply.error == nil { granted.insert(id) }
        }
        guard !granted.isEmpty else { return }
        for old in before.resources {
            guard let last = old.waiting.lastIndex(where: { granted.contains($0) }) else {
                continue
            }
            let left = box.machine.resources[old.name]?.waiting ?? []
            for id in old.waiting[..<last] where left.contains(where: { $0.id == id }) {
                throw Violation("action \(old.waiting[last].rawValue) overtook \(id.rawValue)")
            }
        }
    }

    // MARK: The end

    /// Nothing fails any more, and whoever holds a lock lets go of it: nothing may be left.
    func drain() throws {
        self.note("the end begins")
        self.hasFaults = false
        for _ in 0..<500 {
            try self.pass(until: self.now + .milliseconds(1500))
            guard try self.letGo() else { break }
        }
        for host in self.hosts.keys.sorted() {
            for box in self.hosts[host]?.boxesInOrder ?? [] { try self.stop(box, .stopped) }
        }
        try self.pass(until: self.now + .seconds(5))
        let left = self.pending.keys.map(\.rawValue).sorted()
        guard left.isEmpty else { throw Violation("never answered: actions \(left)") }
        guard self.hosts.values.allSatisfy(\.boxes.isEmpty) else {
            throw Violation("a lockspace does not come to an end")
        }
        for space in self.cluster.spaces.values {
            for (name, resource) in space.resources where !resource.holds.isEmpty {
                throw Violation("\(name) is held for ever by host \(resource.holds[0].host)")
            }
        }
    }

    /// Lets one lock of each host go; false if there was none.
    private func letGo() throws -> Bool {
        var found = false
        for host in self.hosts.keys.sorted() {
            for box in self.hosts[host]?.boxesInOrder ?? [] {
                if box.machine.isKilled, !box.machine.isEnding, !box.machine.isStarting {
                    try self.stop(box, .dropped)
                    found = true
                }
                guard !box.machine.isEnding, let (target, lock) = box.machine.someLock else {
                    continue
                }
                found = true
                try self.ask(
                    .unlock(target), lock.isPersistent ? .persistent : [],
                    lock.owner ?? Client.ID(UInt32.max), host)
            }
        }
        return found || !self.pending.isEmpty
    }
}

extension ResourceMachine {
    /// The mode that a host may count on: on the way between two, the weaker.
    var sureMode: LockMode {
        if case .converting(_, _, let mode) = self.state { min(mode, self.hold) } else { self.hold }
    }
}

extension LockspaceMachine {
    /// The first lock of the oldest resource that has one.
    var someLock: (Action.Target, Lock)? {
        let locked = self.resources.values.filter { !$0.locks.isEmpty }
        guard let resource = locked.min(by: { $0.order < $1.order }),
            let lock = resource.locks.first
        else { return nil }
        switch resource.name {
        case .global: return (.global, lock)
        case .volumeGroup: return (.volumeGroup, lock)
        case .logicalVolume(let uuid): return (.logicalVolume(LogicalVolume(uuid: uuid)), lock)
        }
    }
}
