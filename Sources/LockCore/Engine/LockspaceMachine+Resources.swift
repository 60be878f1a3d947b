// How a lockspace hands inputs to the machines of its resources, and keeps its counts.
//
// Everything here costs the same whether one lock is held or a hundred thousand.
extension LockspaceMachine {
    /// Hands an input to a resource's machine, which is made if there is none.
    mutating func hand(
        _ input: ResourceInput, to name: Resource.Name, from client: Client.ID? = nil, now: Duration
    ) -> [Effect] {
        if self.resources[name] == nil { self.resources[name] = self.makeResource(name) }
        return self.step(name, client) { $0.received(input, now: now) }
    }

    /// Hands an input to a resource's machine; without one there is nothing to unlock.
    mutating func handToExisting(
        _ input: ResourceInput, _ name: Resource.Name, _ id: ActionID, from client: Client.ID,
        now: Duration
    ) -> [Effect] {
        guard self.resources[name] != nil else { return [.reply(id, Reply(.notHeld))] }
        return self.step(name, client) { $0.received(input, now: now) }
    }

    /// The lock manager answered a call about a resource.
    package mutating func managerAnswered(
        _ answer: ResourceAnswer, for name: Resource.Name, now: Duration
    ) -> [Effect] {
        let client = self.resources[name]?.clientBeingServed
        return self.step(name, client) { $0.managerAnswered(answer, now: now) }
            + self.leaveIfCleared()
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

    mutating func step(
        _ name: Resource.Name, _ client: Client.ID?,
        _ input: (inout ResourceMachine) -> [Effect]
    ) -> [Effect] {
        guard let index = self.resources.index(forKey: name) else { return [] }
        self.steps &+= 1
        let isVolume = if case .logicalVolume = name { true } else { false }
        let before = self.resources.values[index].locks.count
        var effects = input(&self.resources.values[index])
        let change = self.resources.values[index].locks.count - before
        if let client {
            let isConcerned = self.resources.values[index].concerns(client)
            self.note(client, at: name, isConcerned: isConcerned)
        }
        if self.resources.values[index].isDone { self.resources.remove(at: index) }
        self.lockCount += change
        if isVolume { self.volumeLockCount += change }
        if change < 0, self.lockCount == 0 { effects.append(.became(.unused)) }
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
