import LockCore

/// Drives one ``LockspaceMachine`` in few words, keeps its timers, and gives back what it wants
/// done, in words.
struct LockspaceBench {
    private(set) var machine: LockspaceMachine
    var wording = Wording()
    private(set) var now = Duration.zero
    private(set) var lastAction: UInt64 = 0
    private var lastGrant: UInt64 = 0
    private var timers: [Resource.Name: Duration] = [:]
    /// Actions on whose behalf the manager was asked something, the oldest first.
    private var questions: [ActionID] = []

    init(
        queues: Bool = false, leases: Bool = false,
        valueBlock: LockManagerCapabilities.ValueBlockSupport = .bytes(32)
    ) {
        let capabilities = LockManagerCapabilities(
            waitsInQueue: queues, valueBlock: valueBlock, adoption: true, ownerInformation: true,
            fencingTokens: true, leasesOnStorage: leases,
            globalLock: leases ? .inVolumeGroup : .ownLockspace, longestLockspaceName: 64,
            longestResourceName: 64, mostHosts: 64)
        self.machine = LockspaceMachine(
            Lockspace(volumeGroup: "vg0", kind: LockManagerKind(rawValue: "test")), capabilities,
            JoinOptions(), salt: 0)
    }

    /// A lockspace that serves locks.
    static func started(queues: Bool = false, leases: Bool = false) -> LockspaceBench {
        var bench = LockspaceBench(queues: queues, leases: leases)
        bench.start(nil)
        bench.prepared()
        bench.joined()
        return bench
    }

    /// The state of a resource, in words.
    func state(_ name: Resource.Name) -> String {
        self.machine.resources[name].map { Wording.words($0) } ?? "none"
    }

    // MARK: Requests

    mutating func action(of client: String) -> ActionID {
        self.lastAction += 1
        let id = ActionID(self.lastAction)
        self.wording.clients[id] = client
        return id
    }

    @discardableResult
    mutating func start(_ client: String?, waits: Bool = false) -> [String] {
        let id = client.map { self.action(of: $0) }
        return self.tell(self.machine.start(for: id, waits: waits))
    }

    @discardableResult
    mutating func send(
        _ client: String, _ operation: Action.Operation, _ options: Action.Options = [],
        kind: LockManagerKind? = nil, waitsForStart: Bool = false
    ) -> [String] {
        let id = self.action(of: client)
        let action = Action(operation, volumeGroup: "vg0", kind: kind, options: options)
        return self.tell(
            self.machine.received(
                action, id, from: Client.ID(letter: client), waitsForStart: waitsForStart,
                now: self.now))
    }

    @discardableResult
    mutating func lock(
        _ client: String, _ target: Action.Target, _ mode: LockMode,
        _ options: Action.Options = [], waiting: Waiting = .forever, waitsForStart: Bool = false
    ) -> [String] {
        self.send(client, .lock(target, mode, waiting), options, waitsForStart: waitsForStart)
    }

    @discardableResult
    mutating func unlock(
        _ client: String, _ target: Action.Target, _ options: Action.Options = []
    ) -> [String] {
        self.send(client, .unlock(target), options)
    }

    @discardableResult
    mutating func stop(_ reason: LeaveReason, answering client: String? = nil) -> [String] {
        let id = client.map { self.action(of: $0) }
        return self.tell(self.machine.stopRequested(reason, answering: id, now: self.now))
    }

    @discardableResult
    mutating func vanish(_ client: String) -> [String] {
        self.tell(self.machine.clientVanished(Client.ID(letter: client), now: self.now))
    }

    mutating func replyLost(_ client: String, _ name: Resource.Name) -> [String] {
        self.tell(self.machine.replyLost(name, of: Client.ID(letter: client), now: self.now))
    }

    /// Withdraws an action, the last one if none is named.
    mutating func withdraw(
        _ client: String, _ name: Resource.Name, action: UInt64? = nil
    ) -> [String] {
        self.tell(
            self.machine.withdrawn(
                ActionID(action ?? self.lastAction), name, of: Client.ID(letter: client),
                now: self.now))
    }

    // MARK: The lock manager

    @discardableResult
    mutating func prepared(generation: UInt64 = 0, carriesGlobalLock: Bool = false) -> [String] {
        let prepared = Prepared(
            self.machine.lockspace, previousGeneration: generation,
            carriesGlobalLock: carriesGlobalLock)
        return self.tell(self.machine.prepareAnswered(.success(prepared)))
    }

    mutating func prepareFailed(_ code: LockErrorCode) -> [String] {
        self.tell(self.machine.prepareAnswered(.failure(Self.error(code))))
    }

    @discardableResult
    mutating func joined() -> [String] {
        let membership = Membership(id: Membership.ID(1))
        return self.tell(self.machine.joinAnswered(.success(membership), now: self.now))
    }

    mutating func joinFailed(_ code: LockErrorCode) -> [String] {
        self.tell(self.machine.joinAnswered(.failure(Self.error(code)), now: self.now))
    }

    @discardableResult
    mutating func granted(
        _ name: Resource.Name, _ value: ValueBlockReading = .unknown, token: UInt64? = nil
    ) -> [String] {
        self.lastGrant += 1
        let grant = Grant(
            id: Grant.ID(self.lastGrant), value: value,
            token: token.map { FencingToken(rawValue: $0) })
        return self.answered(.outcome(.success(.granted(grant))), name)
    }

    @discardableResult
    mutating func contended(
        _ name: Resource.Name, owner: UInt64? = nil, isPassing: Bool = false
    ) -> [String] {
        let host = owner.map { Host(id: $0, state: .live) }
        let contention = Contention(owner: host, isPassing: isPassing)
        return self.answered(.outcome(.success(.contended(contention))), name)
    }

    mutating func failed(
        _ name: Resource.Name, _ code: LockErrorCode, hold: LockManagerError.Hold = .unchanged
    ) -> [String] {
        let error = LockManagerError(code, hold: hold, doing: "acquire \(name)")
        return self.answered(.outcome(.failure(error)), name)
    }

    /// The manager did what it was asked, or failed at it.
    @discardableResult
    mutating func done(_ name: Resource.Name, _ code: LockErrorCode? = nil) -> [String] {
        self.answered(.done(code.map { Self.error($0) }), name)
    }

    private mutating func answered(_ answer: ResourceAnswer, _ name: Resource.Name) -> [String] {
        self.tell(self.machine.managerAnswered(answer, for: name, now: self.now))
    }

    /// Answers the oldest question about other hosts.
    @discardableResult
    mutating func hosts(_ answer: Result<OtherHosts, LockManagerError>) -> [String] {
        guard !self.questions.isEmpty else { return ["nobody asked"] }
        let id = self.questions.removeFirst()
        return self.tell(self.machine.otherHostsAnswered(answer, for: id, now: self.now))
    }

    /// Answers the oldest question about a free lease.
    mutating func leaseFound(_ code: LockErrorCode? = nil) -> [String] {
        guard !self.questions.isEmpty else { return ["nobody asked"] }
        let id = self.questions.removeFirst()
        return self.tell(self.machine.leaseAnswered(code.map { Self.error($0) }, for: id))
    }

    @discardableResult
    mutating func left(_ code: LockErrorCode? = nil) -> [String] {
        self.tell(self.machine.leaveAnswered(code.map { Self.error($0) }))
    }

    mutating func membershipLost() -> [String] {
        self.tell(self.machine.membershipLost(reason: "no renewal", now: self.now))
    }

    mutating func wanted(_ name: Resource.Name, grant: UInt64) -> [String] {
        self.tell(self.machine.holdWanted(name, by: Grant.ID(grant), now: self.now))
    }

    private static func error(_ code: LockErrorCode) -> LockManagerError {
        LockManagerError(code, doing: "try")
    }

    // MARK: Time

    /// Lets time pass, and wakes the resources that wished for it, the earliest first.
    @discardableResult
    mutating func time(_ duration: Duration) -> [String] {
        let end = self.now + duration
        var words: [String] = []
        while let next = self.timers.filter({ $0.value <= end }).min(by: Self.isEarlier) {
            self.timers[next.key] = nil
            self.now = max(self.now, next.value)
            words += self.tell(self.machine.timePassed(for: next.key, now: self.now))
        }
        self.now = end
        return words
    }

    private static func isEarlier(
        _ left: (key: Resource.Name, value: Duration),
        _ right: (key: Resource.Name, value: Duration)
    ) -> Bool {
        (left.value, left.key.word) < (right.value, right.key.word)
    }

    private mutating func tell(_ effects: [Effect]) -> [String] {
        for effect in effects {
            switch effect {
            case .wake(let name, at: let time): self.timers[name] = time
            case .askLockspace(.otherHosts(for: let id)),
                .askLockspace(.findFreeLease(volumeBytes: _, for: let id)):
                self.questions.append(id)
            default: break
            }
        }
        return self.wording.words(effects)
    }
}

extension Action.Target {
    static func lv(_ uuid: String) -> Action.Target { .logicalVolume(LogicalVolume(uuid: uuid)) }
}
