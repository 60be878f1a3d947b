// How a lockspace hands inputs to the machines of its resources, and keeps its counts.
//
// Everything here costs the same whether one lock is held or a hundred thousand.
extension LockspaceMachine {
    /// Hands an input to a resource's machine, which is made if there is none.
    mutating func hand(
        _ input: ResourceInput, to name: Resource.Name, from client: Client.ID? = nil, now: Duration
    ) -> [Effect] {
        var effects: [Effect] = []
        self.step(self.placeOfResource(name), for: client, &effects) {
            $0.received(input, now: now, &$1)
        }
        return effects
    }

    /// Hands an input to a resource's machine; without one there is nothing to unlock.
    mutating func handToExisting(
        _ input: ResourceInput, _ name: Resource.Name, _ id: ActionID, from client: Client.ID,
        now: Duration
    ) -> [Effect] {
        guard let place = self.resources.place(of: name) else {
            return [.reply(id, Reply(.notHeld))]
        }
        var effects: [Effect] = []
        self.step(place, for: client, &effects) { $0.received(input, now: now, &$1) }
        return effects
    }

    /// The lock manager answered a call about a resource.
    package mutating func managerAnswered(
        _ answer: ResourceAnswer, for name: Resource.Name, now: Duration
    ) -> [Effect] {
        let effects = self.step(name) { $0.managerAnswered(answer, now: now, &$1) }
        return self.state == .clearing ? effects + self.leaveIfCleared() : effects
    }

    /// A time that a resource's machine wished for has come.
    package mutating func timePassed(for name: Resource.Name, now: Duration) -> [Effect] {
        self.step(name) { $0.timePassed(now: now, &$1) }
    }

    /// A request that waits is not wanted any more.
    package mutating func withdrawn(
        _ id: ActionID, _ name: Resource.Name, of client: Client.ID, now: Duration
    ) -> [Effect] {
        if let index = self.early.firstIndex(where: { $0.0 == id }) {
            self.early.remove(at: index)
            return [.reply(id, Reply(.cancelled))]
        }
        return self.step(name, for: client) { $0.received(.withdraw(id), now: now, &$1) }
    }

    /// A client's connection is gone: so are its transient locks and its requests.
    package mutating func clientVanished(_ client: Client.ID, now: Duration) -> [Effect] {
        self.early.removeAll { $0.1 == client }
        var effects: [Effect] = []
        let places = self.placesOfClient.removeValue(forKey: client) ?? []
        for place in self.resources.inOrder(places) {
            self.step(place, &effects) { $0.received(.clientVanished(client), now: now, &$1) }
        }
        return effects
    }

    /// A client was granted a logical volume's lock and never learnt of it.
    package mutating func replyLost(
        _ name: Resource.Name, of client: Client.ID, now: Duration
    ) -> [Effect] {
        self.step(name) { $0.received(.replyLost(client), now: now, &$1) }
    }

    // MARK: Steps

    /// Lets a resource's machine take an input, if there is such a machine.
    mutating func step(
        _ name: Resource.Name, for client: Client.ID? = nil,
        _ input: (inout ResourceMachine, inout [Effect]) -> Void
    ) -> [Effect] {
        guard let place = self.resources.place(of: name) else { return [] }
        var effects: [Effect] = []
        self.step(place, for: client, &effects, input)
        return effects
    }

    /// Lets the machine at that place take an input, about a client if one is named.
    mutating func step(
        _ place: Int, for client: Client.ID? = nil, _ effects: inout [Effect],
        _ input: (inout ResourceMachine, inout [Effect]) -> Void
    ) {
        self.steps &+= 1
        let change = Self.take(input, &self.resources.machines[place], client, &effects)
        if let client = change.client {
            self.note(client, at: place, isConcerned: change.concernsClient)
        }
        if change.isDone { self.resources.remove(at: place) }
        guard change.locks != 0 else { return }
        self.lockCount += change.locks
        if change.isVolume { self.volumeLockCount += change.locks }
        if change.locks < 0, self.lockCount == 0 { effects.append(.became(.unused)) }
    }

    /// What a step did to the machine that took it.
    private struct Change {
        var locks: Int
        var isDone: Bool
        var isVolume: Bool
        /// The client that the step was about, and whether it still has anything there.
        var client: Client.ID?
        var concernsClient: Bool
    }

    private static func take(
        _ input: (inout ResourceMachine, inout [Effect]) -> Void,
        _ machine: inout ResourceMachine, _ client: Client.ID?, _ effects: inout [Effect]
    ) -> Change {
        let before = machine.locks.count
        let client = client ?? machine.clientBeingServed
        input(&machine, &effects)
        let isVolume = if case .logicalVolume = machine.name { true } else { false }
        return Change(
            locks: machine.locks.count - before, isDone: machine.isDone, isVolume: isVolume,
            client: client, concernsClient: client.map { machine.concerns($0) } ?? false)
    }

    private mutating func note(_ client: Client.ID, at place: Int, isConcerned: Bool) {
        if isConcerned {
            self.placesOfClient[client, default: []].insert(place)
        } else {
            self.placesOfClient[client]?.remove(place)
        }
    }
}
