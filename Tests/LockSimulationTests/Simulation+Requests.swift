import LockCore

// What a service would do with actions: find the lockspace, and keep account of replies.
extension Simulation {
    @discardableResult
    func ask(
        _ operation: Action.Operation, _ options: Action.Options, _ client: Client.ID,
        _ host: UInt64
    ) throws -> ActionID {
        self.lastAction += 1
        let id = ActionID(self.lastAction)
        let action = Action(self.timed(operation), volumeGroup: "vg0", options: options)
        self.pending[id] = Pending(host: host, client: client, action: action)
        switch operation {
        case .start(let lockspace): try self.start(lockspace, action, id, host)
        case .lock(.global, _, _), .unlock(.global):
            try self.askGlobally(action, id, client, host)
        default:
            let box = self.hosts[host]?.boxes[Self.lockspace.id]
            try self.hand(action, id, client, to: box)
            if case .stop = operation, box?.machine.isEnding == true {
                try self.stop(self.hosts[host]?.boxes[.global(kind: .simulated)], .stopped)
            }
        }
        return id
    }

    /// A script's deadlines count from the request.
    private func timed(_ operation: Action.Operation) -> Action.Operation {
        guard case .lock(let target, let mode, var waiting) = operation else { return operation }
        waiting.deadline = waiting.deadline.map { self.now + $0 }
        return .lock(target, mode, waiting)
    }

    private func hand(
        _ action: Action, _ id: ActionID, _ client: Client.ID, to box: MachineBox?,
        waitsForStart: Bool = false
    ) throws {
        guard let box else { return try self.answered(id, Reply(.lockspaceNotFound), nil) }
        self.pending[id]?.box = box
        try self.step(box, "") {
            $0.received(
                action, id, from: client, waitsForStart: waitsForStart, now: self.now)
        }
    }

    private func start(
        _ lockspace: Lockspace, _ action: Action, _ id: ActionID, _ host: UInt64
    ) throws {
        self.hosts[host]?.globalLock.used(.simulated)
        if self.script.capabilities.globalLock == .ownLockspace {
            _ = try self.startGlobal(host)
        }
        guard self.hosts[host]?.boxes[lockspace.id] == nil else {
            return try self.answered(id, Reply(.lockspaceExists), nil)
        }
        let box = MachineBox(host, lockspace, self.script.capabilities)
        self.hosts[host]?.boxes[lockspace.id] = box
        self.pending[id]?.box = box
        try self.step(box, "") { $0.start(for: id, waits: action.options.contains(.wait)) }
    }

    private func startGlobal(_ host: UInt64) throws -> MachineBox {
        let lockspace = Lockspace(globalOf: .simulated)
        if let box = self.hosts[host]?.boxes[lockspace.id] { return box }
        let box = MachineBox(host, lockspace, self.script.capabilities)
        self.hosts[host]?.boxes[lockspace.id] = box
        try self.step(box, "") { $0.start(for: nil, waits: false) }
        return box
    }

    private func askGlobally(
        _ action: Action, _ id: ActionID, _ client: Client.ID, _ host: UInt64
    ) throws {
        let isLock = if case .lock = action.operation { true } else { false }
        for place in self.hosts[host]?.globalLock.places ?? [] {
            self.coverage.add(place)
            switch place {
            case .ownLockspace(let lockspace):
                let existing = self.hosts[host]?.boxes[lockspace]
                let box = existing == nil && isLock ? try self.startGlobal(host) : existing
                return try self.hand(action, id, client, to: box, waitsForStart: true)
            case .volumeGroup(let lockspace):
                return try self.hand(action, id, client, to: self.hosts[host]?.boxes[lockspace])
            case .unknown: break
            }
        }
        try self.answered(id, Reply(.lockspaceNotFound), nil)
    }

    func stop(_ box: MachineBox?, _ reason: LeaveReason) throws {
        guard let box, !box.machine.isEnding else { return }
        try self.step(box, "host \(box.host) stops \(box.id)") {
            $0.stopRequested(reason, answering: nil, now: self.now)
        }
    }

    // MARK: Replies

    /// An action has its reply: the only one.
    func answered(_ id: ActionID, _ reply: Reply, _ box: MachineBox?) throws {
        self.note("    action \(id.rawValue) is answered \(reply.words)")
        guard let pending = self.pending.removeValue(forKey: id) else {
            guard self.orphaned.remove(id) != nil else {
                throw Violation("action \(id.rawValue) is answered twice")
            }
            return
        }
        guard let box, self.checks, reply.error == nil else { return }
        switch pending.action.operation {
        case .lock(let target, let mode, _):
            if box.isLost {
                throw Violation("host \(box.host) lost \(box.id) and grants \(target.name)")
            }
            let resource = Resource.ID(lockspace: box.id, name: target.name)
            if case .granted(let reading, _) = reply.content {
                try self.granted(resource, mode, reading, pending.host)
            }
        case .update:
            self.dataChanged(
                Resource.ID(lockspace: box.id, name: .volumeGroup), by: pending.host)
        default: break
        }
    }

    /// What a grant says of the host's copy of the data has to be true.
    private func granted(
        _ resource: Resource.ID, _ mode: LockMode, _ reading: ValueBlockReading, _ host: UInt64
    ) throws {
        if case .logicalVolume = resource.name { return }
        let truth = DataCopy(
            data: self.data[resource] ?? 0, losses: self.cluster.losses[resource] ?? 0)
        if reading == .unchanged, let copy = self.hosts[host]?.copies[resource],
            copy.losses == truth.losses, copy.data != truth.data
        {
            throw Violation("host \(host) takes its old copy of \(resource.name) for good")
        }
        self.hosts[host]?.copies[resource] = truth
        // Each exclusive lock on the global resource counts as a change.
        if resource.name == .global, mode == .exclusive { self.dataChanged(resource, by: host) }
    }

    private func dataChanged(_ resource: Resource.ID, by host: UInt64) {
        self.data[resource, default: 0] += 1
        self.hosts[host]?.copies[resource] = DataCopy(
            data: self.data[resource] ?? 0, losses: self.cluster.losses[resource] ?? 0)
    }
}

extension Reply {
    var words: String {
        if let error = self.error { return "\(error)" }
        guard case .granted(let reading, _) = self.content else { return "done" }
        return switch reading {
        case .value(let block): "granted, version \(block.resourceVersion)"
        default: "granted, \(reading)"
        }
    }
}
