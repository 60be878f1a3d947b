import LockCore
import LockInMemory

/// A lockspace under random requests and random answers of its lock manager. Everything follows
/// from the seed.
struct RandomRun {
    private(set) var machine: LockspaceMachine
    private var checker = InvariantChecker()
    private var random: SeededRandom
    private var now = Duration.zero
    private var lastAction: UInt64 = 0
    private var lastClient: UInt32 = 0
    private var lastGrant: UInt64 = 0
    private var clients: [Client.ID] = []
    private(set) var steps = 0
    /// What happened, in words, if that is wanted: finding the words takes longer than the run.
    private(set) var log: [String] = []
    private let keepsLog: Bool

    private let targets: [Action.Target] = [.volumeGroup, .global, .lv("u1"), .lv("u2")]

    init(seed: UInt64, keepsLog: Bool = false) {
        self.keepsLog = keepsLog
        self.random = SeededRandom(seed: seed)
        let capabilities = LockManagerCapabilities(
            waitsInQueue: self.random.happens(withProbability: 0.5),
            valueBlock: self.random.happens(withProbability: 0.8) ? .bytes(32) : .none,
            adoption: true, ownerInformation: true, fencingTokens: true,
            leasesOnStorage: self.random.happens(withProbability: 0.5), globalLock: .inVolumeGroup,
            longestLockspaceName: 64, longestResourceName: 64, mostHosts: 64)
        self.machine = LockspaceMachine(
            Lockspace(volumeGroup: "vg0", kind: LockManagerKind(rawValue: "test")), capabilities,
            JoinOptions(), salt: seed)
        _ = self.machine.start(for: nil, waits: false)
        _ = self.machine.prepareAnswered(.success(Prepared(self.machine.lockspace)))
        _ = self.machine.joinAnswered(
            .success(Membership(id: Membership.ID(1))), now: self.now)
        for _ in 0..<4 { self.addClient() }
    }

    // MARK: Play

    mutating func play(steps: Int) throws {
        for _ in 0..<steps {
            switch Int.random(in: 0..<100, using: &self.random) {
            case 0..<40: try self.request()
            case 40..<44: try self.vanish()
            case 44..<47: try self.withdraw()
            case 47..<49: try self.loseReply()
            case 49..<51: try self.want()
            case 51..<60:
                try self.passTime(.milliseconds(.random(in: 1...900, using: &self.random)))
            default: try self.answer(alwaysGrants: false)
            }
        }
    }

    private mutating func addClient() {
        self.lastClient += 1
        self.clients.append(Client.ID(self.lastClient))
    }

    private mutating func pick<Element>(_ elements: [Element]) throws -> Element {
        guard let element = elements.randomElement(using: &self.random) else {
            throw InvariantChecker.Violation("nothing to pick from")
        }
        return element
    }

    private mutating func request() throws {
        let client = try self.pick(self.clients)
        let target = try self.pick(self.targets)
        let mode: LockMode = self.random.happens(withProbability: 0.5) ? .shared : .exclusive
        var options: Action.Options = []
        if case .logicalVolume = target, self.random.happens(withProbability: 0.4) {
            options.insert(.persistent)
        }
        let operation: Action.Operation
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0..<11: operation = .lock(target, mode, try self.waiting())
        case 11..<17:
            if self.random.happens(withProbability: 0.2) { options.insert(.unlockCancel) }
            operation = .unlock(target)
        case 17: operation = .update(version: .random(in: 1...50, using: &self.random))
        case 18: operation = .freeLogicalVolume(LogicalVolume(uuid: "u1"))
        default:
            operation =
                self.random.happens(withProbability: 0.5) ? .enableGlobalLock : .disableGlobalLock
        }
        try self.send(operation, options, from: client)
    }

    private mutating func waiting() throws -> Waiting {
        let kinds: [Waiting] = [
            .forever, .forever, .no, .retries(1), .passingConflicts(retries: 1),
        ]
        var waiting = try self.pick(kinds)
        if self.random.happens(withProbability: 0.2) {
            waiting.deadline = self.now + .milliseconds(.random(in: 0...800, using: &self.random))
        }
        return waiting
    }

    private mutating func send(
        _ operation: Action.Operation, _ options: Action.Options, from client: Client.ID
    ) throws {
        self.lastAction += 1
        let id = ActionID(self.lastAction)
        self.checker.sent(id, client)
        let action = Action(operation, volumeGroup: "vg0", options: options)
        let now = self.now
        try self.step("\(id.rawValue): \(client.rawValue) \(operation) \(options.rawValue)") {
            $0.received(action, id, from: client, now: now)
        }
    }

    private mutating func vanish() throws {
        let client = try self.pick(self.clients)
        self.clients.removeAll { $0 == client }
        self.checker.vanished(client)
        let now = self.now
        try self.step("\(client.rawValue) vanishes") { $0.clientVanished(client, now: now) }
        self.addClient()
    }

    private mutating func withdraw() throws {
        let waiting = self.machine.inOrderOfMaking.flatMap { machine in
            machine.waiting.map { (machine.name, $0) }
        }
        guard let (name, request) = waiting.randomElement(using: &self.random) else { return }
        let now = self.now
        try self.step("withdraw \(request.id.rawValue)") {
            $0.withdrawn(request.id, name, of: request.client, now: now)
        }
    }

    private mutating func loseReply() throws {
        let client = try self.pick(self.clients)
        let name = try self.pick(self.targets).name
        let now = self.now
        try self.step("\(client.rawValue) got no reply about \(name)") {
            $0.replyLost(name, of: client, now: now)
        }
    }

    private mutating func want() throws {
        let name = try self.pick(self.targets).name
        let grant = Grant.ID(.random(in: 0...self.lastGrant + 1, using: &self.random))
        let now = self.now
        try self.step("\(name) is wanted") { $0.holdWanted(name, by: grant, now: now) }
    }

    // MARK: The lock manager

    /// Answers one of the calls under way, if there is any.
    private mutating func answer(alwaysGrants: Bool) throws {
        let calls = self.checker.underWay.sorted { $0.key.word < $1.key.word }
        guard let (name, call) = calls.randomElement(using: &self.random) else { return }
        let answer = self.answer(to: call, alwaysGrants: alwaysGrants)
        self.checker.answered(name, answer)
        let now = self.now
        try self.step("\(name.word) is answered \(Self.words(answer))") {
            $0.managerAnswered(answer, for: name, now: now)
        }
    }

    private mutating func answer(to call: ResourceCall, alwaysGrants: Bool) -> ResourceAnswer {
        let chance = alwaysGrants ? 0 : Int.random(in: 0..<10, using: &self.random)
        let hold: LockManagerError.Hold = chance == 9 ? .unknown : .unchanged
        let error = LockManagerError(.storageFailed, hold: hold, doing: "try")
        switch call {
        case .acquire, .convert:
            if chance >= 8 { return .outcome(.failure(error)) }
            if chance >= 5 {
                return .outcome(.success(.contended(Contention(isPassing: chance == 5))))
            }
            self.lastGrant += 1
            let block = ValueBlock(
                format: ValueBlock.currentFormat,
                resourceVersion: .random(in: 0...40, using: &self.random))
            let grant = Grant(
                id: Grant.ID(self.lastGrant), value: .value(block),
                token: FencingToken(rawValue: self.lastGrant))
            return .outcome(.success(.granted(grant)))
        case .release, .forget, .freeLease, .setGlobalLock, .simulateRemoteHolder:
            return .done(chance >= 8 ? error : nil)
        }
    }

    private static func words(_ answer: ResourceAnswer) -> String {
        switch answer {
        case .outcome(.success(.granted(let grant))): "granted \(grant.id.rawValue)"
        case .outcome(.success(let outcome)): "\(outcome)"
        case .outcome(.failure(let error)), .done(let error?): "\(error)"
        case .done(nil): "done"
        }
    }

    // MARK: Time

    private mutating func passTime(_ duration: Duration) throws {
        let end = self.now + duration
        while let (name, time) = self.checker.nextTimer, time <= end {
            self.now = max(self.now, time)
            self.checker.fired(name)
            let now = self.now
            try self.step("\(name) wakes at \(now)") { $0.timePassed(for: name, now: now) }
            try self.checker.checkWakesAgain(name, after: now)
        }
        self.now = end
    }

    // MARK: Ends

    /// The manager grants everything, and whoever holds a lock lets go of it: nothing may be left.
    mutating func drain() throws {
        for _ in 0..<2_000 {
            while !self.checker.underWay.isEmpty { try self.answer(alwaysGrants: true) }
            try self.passTime(.seconds(1))
            guard self.checker.underWay.isEmpty else { continue }
            guard try self.unlockOne() else {
                return try self.checker.checkNothingLeft(self.machine)
            }
        }
        throw InvariantChecker.Violation("does not come to an end")
    }

    private mutating func unlockOne() throws -> Bool {
        for resource in self.machine.inOrderOfMaking {
            guard let lock = resource.locks.first else { continue }
            let target: Action.Target =
                switch resource.name {
                case .global: .global
                case .volumeGroup: .volumeGroup
                case .logicalVolume(let uuid): .lv(uuid)
                }
            try self.send(
                .unlock(target), lock.isPersistent ? .persistent : [],
                from: lock.owner ?? self.clients[0])
            return true
        }
        return false
    }

    /// Everything is released and the lockspace left.
    mutating func stop() throws {
        let now = self.now
        try self.step("stop") { $0.stopRequested(.stopped, answering: nil, now: now) }
        for _ in 0..<200 where !self.checker.underWay.isEmpty {
            try self.answer(alwaysGrants: self.random.happens(withProbability: 0.5))
        }
        guard self.checker.hasAskedToLeave else {
            throw InvariantChecker.Violation("the lockspace is not left")
        }
        try self.step("left") { $0.leaveAnswered(nil) }
        try self.checker.checkNothingLeft(self.machine)
    }

    // MARK: Steps

    private mutating func step(
        _ what: @autoclosure () -> String, _ input: (inout LockspaceMachine) -> [Effect]
    ) throws {
        self.steps += 1
        if self.keepsLog { self.log.append(what()) }
        self.checker.remember(self.machine)
        let effects = input(&self.machine)
        if self.keepsLog { self.log += Wording().words(effects).map { "    \($0)" } }
        try self.checker.check(effects, self.machine)
    }
}

extension LockspaceMachine {
    var inOrderOfMaking: [ResourceMachine] { self.resources.values.sorted { $0.order < $1.order } }
}
