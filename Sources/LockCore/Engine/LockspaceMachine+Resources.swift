// How a lockspace hands inputs to the machines of its resources, and keeps its counts.
//
// Everything here costs the same whether one lock is held or a hundred thousand.
extension LockspaceMachine {
    /// Hands an input to a resource's machine, which is made if there is none.
    mutating func hand(
        _ input: ResourceInput, to name: Resource.Name, from client: Client.ID? = nil, now: Duration
    ) -> [Effect] {
        if self.resources.index(forKey: name) == nil {
            self.resources[name] = self.makeResource(name)
        }
        return self.step(name, client) { $0.received(input, now: now) }
    }

    /// Hands an input to a resource's machine; without one there is nothing to unlock.
    mutating func handToExisting(
        _ input: ResourceInput, _ name: Resource.Name, _ id: ActionID, from client: Client.ID,
        now: Duration
    ) -> [Effect] {
        guard self.resources.index(forKey: name) != nil else {
            return [.reply(id, Reply(.notHeld))]
        }
        return self.step(name, client) { $0.received(input, now: now) }
    }

    /// The lock manager answered a call about a resource.
    package mutating func managerAnswered(
        _ answer: ResourceAnswer, for name: Resource.Name, now: Duration
    ) -> [Effect] {
        let effects = self.step(name, nil) { $0.managerAnswered(answer, now: now) }
        return self.state == .clearing ? effects + self.leaveIfCleared() : effects
    }

    /// A time that a resource's machine wished for has come.
    package mutating func timePassed(for name: Resource.Name, now: Duration) -> [Effect] {
        self.step(name, nil) { $0.timePassed(now: now) }
    }

    /// A request that waits is not wanted any more.
    package mutating func withdrawn(
        _ id: ActionID, _ name: Resource.Name, of client: Client.ID, now: Duration
    ) -> [Effect] {
        if let index = self.early.firstIndex(where: { $0.0 == id }) {
            self.early.remove(at: index)
            return [.reply(id, Reply(.cancelled))]
        }
        return self.step(name, client) { $0.received(.withdraw(id), now: now) }
    }

    /// A client's connection is gone: so are its transient locks and its requests.
    package mutating func clientVanished(_ client: Client.ID, now: Duration) -> [Effect] {
        self.early.removeAll { $0.1 == client }
        var effects: [Effect] = []
        for name in self.inOrder(self.namesOfClient.removeValue(forKey: client) ?? []) {
            effects += self.step(name, nil) { $0.received(.clientVanished(client), now: now) }
        }
        return effects
    }

    /// A client was granted a logical volume's lock and never learnt of it.
    package mutating func replyLost(
        _ name: Resource.Name, of client: Client.ID, now: Duration
    ) -> [Effect] {
        self.step(name, nil) { $0.received(.replyLost(client), now: now) }
    }

    /// The names of resources in the order in which they were made, so that a run can be replayed.
    func inOrder(_ names: some Sequence<Resource.Name>) -> [Resource.Name] {
        names.compactMap { name in self.resources[name].map { (name, $0.order) } }
            .sorted { $0.1 < $1.1 }.map(\.0)
    }

    /// What a step did to the machine that took it.
    private struct Change {
        var locks = 0
        var isDone = false
        /// The client that the step was about, and whether it still has anything there.
        var client: Client.ID?
        var concernsClient = false
    }

    mutating func step(
        _ name: Resource.Name, _ client: Client.ID?,
        _ input: (inout ResourceMachine) -> [Effect]
    ) -> [Effect] {
        guard let index = self.resources.index(forKey: name) else { return [] }
        self.steps &+= 1
        var change = Change(client: client)
        // The machine is changed in its place; to read it there would copy it.
        var effects = Self.take(input, &self.resources.values[index], &change)
        if change.isDone { self.resources.remove(at: index) }
        if let client = change.client {
            self.note(client, at: name, isConcerned: change.concernsClient)
        }
        guard change.locks != 0 else { return effects }
        self.lockCount += change.locks
        if case .logicalVolume = name { self.volumeLockCount += change.locks }
        if change.locks < 0, self.lockCount == 0 { effects.append(.became(.unused)) }
        return effects
    }

    private static func take(
        _ input: (inout ResourceMachine) -> [Effect], _ machine: inout ResourceMachine,
        _ change: inout Change
    ) -> [Effect] {
        let before = machine.locks.count
        change.client = change.client ?? machine.clientBeingServed
        let effects = input(&machine)
        change.locks = machine.locks.count - before
        change.isDone = machine.isDone
        if let client = change.client { change.concernsClient = machine.concerns(client) }
        return effects
    }

    private mutating func note(_ client: Client.ID, at name: Resource.Name, isConcerned: Bool) {
        if isConcerned {
            self.namesOfClient[client, default: []].insert(name)
        } else if self.namesOfClient[client]?.remove(name) != nil,
            self.namesOfClient[client]?.isEmpty == true
        {
            self.namesOfClient[client] = nil
        }
    }
}
