import LockCore

/// Drives one ``ResourceMachine`` in few words and gives back what it wants done, in words.
struct ResourceBench {
    private(set) var machine: ResourceMachine
    private(set) var wording = Wording()
    var now = Duration.zero
    /// When the machine last wished to be woken.
    private(set) var wish = Duration.zero
    private var lastAction: UInt64 = 0
    private var lastGrant: UInt64 = 0

    static let volume = Resource.Name.logicalVolume("lv1")

    init(_ name: Resource.Name = .volumeGroup, queues: Bool = false, keepsValueBlock: Bool? = nil) {
        let isVolume = name == Self.volume
        self.machine = ResourceMachine(
            ResourceMachine.Traits(
                name: name, keepsValueBlock: keepsValueBlock ?? !isVolume, waitsInQueue: queues,
                salt: 0),
            order: 1)
    }

    /// A resource that a client holds already.
    static func held(
        _ name: Resource.Name = .volumeGroup, _ mode: LockMode, by clients: String...,
        persistent: Bool = false
    ) -> ResourceBench {
        var bench = ResourceBench(name)
        for client in clients {
            bench.lock(client, mode, persistent: persistent)
            if case .acquiring = bench.machine.state { bench.granted() }
        }
        return bench
    }

    /// What the machine knows, in words.
    var state: String { Wording.words(self.machine) }

    // MARK: Requests

    private mutating func action(of client: String) -> ActionID {
        self.lastAction += 1
        let id = ActionID(self.lastAction)
        self.wording.clients[id] = client
        return id
    }

    /// The last action that was sent.
    var last: ActionID { ActionID(self.lastAction) }

    @discardableResult
    mutating func lock(
        _ client: String, _ mode: LockMode, persistent: Bool = false, waiting: Waiting = .forever,
        adopting: Adoption = .none
    ) -> [String] {
        let request = LockRequest(
            id: self.action(of: client), client: Client.ID(letter: client), mode: mode,
            isPersistent: persistent, waiting: waiting, adopting: adopting)
        return self.received(.lock(request))
    }

    @discardableResult
    mutating func unlock(
        _ client: String, persistent: Bool = false, cancels: Bool = false
    ) -> [String] {
        let id = self.action(of: client)
        return self.received(
            .unlock(id, Client.ID(letter: client), isPersistent: persistent, cancels: cancels))
    }

    /// Announces a version; nil for the next one.
    @discardableResult
    mutating func update(_ client: String, version: UInt32?) -> [String] {
        let id = self.action(of: client)
        return self.received(.update(id, Client.ID(letter: client), version: version))
    }

    @discardableResult
    mutating func vanish(_ client: String) -> [String] {
        self.received(.clientVanished(Client.ID(letter: client)))
    }

    mutating func replyLost(_ client: String) -> [String] {
        self.received(.replyLost(Client.ID(letter: client)))
    }

    /// Sends an input on behalf of a client.
    mutating func send(_ client: String, _ input: (ActionID) -> ResourceInput) -> [String] {
        self.received(input(self.action(of: client)))
    }

    @discardableResult
    mutating func received(_ input: ResourceInput) -> [String] {
        self.tell { $0.received(input, now: $1, &$2) }
    }

    // MARK: The lock manager

    @discardableResult
    mutating func granted(
        _ value: ValueBlockReading = .unknown, token: UInt64? = nil
    ) -> [String] {
        self.lastGrant += 1
        let grant = Grant(
            id: Grant.ID(self.lastGrant), value: value,
            token: token.map { FencingToken(rawValue: $0) })
        return self.answered(.outcome(.success(.granted(grant))))
    }

    @discardableResult
    mutating func granted(version: UInt32, flags: ValueBlock.Flags = []) -> [String] {
        let format = version == 0 ? 0 : ValueBlock.currentFormat
        return self.granted(
            .value(ValueBlock(format: format, flags: flags, resourceVersion: version)))
    }

    @discardableResult
    mutating func contended(owner: UInt64? = nil, isPassing: Bool = false) -> [String] {
        let contention = Contention(owner: owner.map { Host(id: $0) }, isPassing: isPassing)
        return self.answered(.outcome(.success(.contended(contention))))
    }

    @discardableResult
    mutating func failed(
        _ code: LockErrorCode = .storageFailed, hold: LockManagerError.Hold = .unchanged
    ) -> [String] {
        self.answered(.outcome(.failure(LockManagerError(code, hold: hold, doing: "try"))))
    }

    /// The manager did what it was asked, or failed at it.
    @discardableResult
    mutating func done(_ code: LockErrorCode? = nil) -> [String] {
        self.answered(.done(code.map { LockManagerError($0, doing: "try") }))
    }

    @discardableResult
    mutating func answered(_ answer: ResourceAnswer) -> [String] {
        self.tell { $0.managerAnswered(answer, now: $1, &$2) }
    }

    /// Another host waits for what this grant gave, counted from 1.
    mutating func wanted(grant: UInt64) -> [String] {
        self.tell { machine, _, effects in machine.holdWanted(by: Grant.ID(grant), &effects) }
    }

    // MARK: Time

    @discardableResult
    mutating func time(_ time: Duration) -> [String] {
        self.now = time
        return self.tell { $0.timePassed(now: $1, &$2) }
    }

    private mutating func tell(
        _ input: (inout ResourceMachine, _ now: Duration, inout [Effect]) -> Void
    ) -> [String] {
        var effects: [Effect] = []
        input(&self.machine, self.now, &effects)
        for case .wake(_, at: let time) in effects { self.wish = time }
        return self.wording.words(effects)
    }
}
