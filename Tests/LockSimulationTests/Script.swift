import LockCore
import LockInMemory

/// What happens in a run: the kind of lock manager, how many hosts, and the steps. Everything
/// follows from the seed.
struct Script {
    var seed: UInt64
    var capabilities: LockManagerCapabilities
    var hosts: UInt64
    /// The lock manager keeps a value block whatever happens to its writer.
    var keepsValueBlocks: Bool
    /// How often, in a thousand, a call to the manager fails in each way.
    var faultsPerMille: Int
    var steps: [Step] = []

    static let clients = 4
    static let volumes = ["u1", "u2"]

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let leases = random.happens(withProbability: 0.5)
        let blocks: [LockManagerCapabilities.ValueBlockSupport] = [
            .bytes(32), .bytes(32), .changeStamp, .none,
        ]
        self.seed = seed
        self.capabilities = LockManagerCapabilities(
            waitsInQueue: random.happens(withProbability: 0.5),
            valueBlock: blocks[Int.random(in: 0..<4, using: &random)], adoption: true,
            ownerInformation: true, fencingTokens: true, leasesOnStorage: leases,
            globalLock: leases ? .inVolumeGroup : .ownLockspace, longestLockspaceName: 64,
            longestResourceName: 64, mostHosts: 4000)
        self.hosts = UInt64.random(in: 2...4, using: &random)
        self.keepsValueBlocks = random.happens(withProbability: 0.5)
        self.faultsPerMille = random.happens(withProbability: 0.3) ? 0 : 25
        for host in 1...self.hosts { self.steps.append(Self.start(host)) }
        for _ in 0..<Int.random(in: 40...100, using: &random) {
            let host = UInt64.random(in: 1...self.hosts, using: &random)
            self.steps += Self.draw(host, self.hosts, &random)
        }
    }

    static func start(_ host: UInt64, waits: Bool = true) -> Step {
        let lockspace = Simulation.lockspace
        return Step(
            pause: .zero, host: host,
            what: .ask(0, .start(lockspace), waits ? [.wait] : []))
    }

    private static func draw(
        _ host: UInt64, _ hosts: UInt64, _ random: inout SeededRandom
    ) -> [Step] {
        let client = Int.random(in: 0..<Self.clients, using: &random)
        let pause = Self.pause(&random)
        func step(_ what: Step.What) -> [Step] { [Step(pause: pause, host: host, what: what)] }
        func again() -> Step {
            Step(
                pause: .milliseconds(.random(in: 0...400, using: &random)), host: host,
                what: Self.start(host).what)
        }
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<60: return step(.vanish(client))
        case 60..<90: return step(.withdraw(client))
        case 90..<110: return step(.loseReply(client, Self.target(&random)))
        case 110..<118: return step(.crash) + [again()]
        case 118..<128:
            return step(.loseMembership)
                + [Step(pause: .milliseconds(30), host: host, what: .ask(client, .drop, []))]
                + [again()]
        case 128..<136:
            let name: Resource.Name =
                random.happens(withProbability: 0.5) ? .volumeGroup : .global
            return step(.loseValueBlock(name))
        case 136..<146: return step(.ask(client, .stop, [.force])) + [again()]
        case 146..<156: return step(.ask(client, .stop, [])) + [again()]
        case 156..<160: return step(.ask(client, .kill, []))
        case 160..<164: return step(.ask(client, .drop, [])) + [again()]
        case 164..<168: return step(Self.start(host, waits: false).what)
        case 168..<174:
            return (1...hosts).filter { $0 != host }.map {
                Step(pause: .zero, host: $0, what: .ask(client, .stop, [.force]))
            } + [
                Step(
                    pause: .milliseconds(300), host: host, what: .ask(client, .freeVolumeGroup, []))
            ]
                + (1...hosts).map { Self.start($0) }
        case 174..<180: return step(.ask(client, .renameBefore, [])) + [again()]
        case 180..<186: return step(.ask(client, .busy, []))
        case 186..<260: return Self.change(host, client, &random)
        default:
            let (operation, options) = Self.request(&random)
            return step(.ask(client, operation, options))
        }
    }

    /// A client changes what the volume group's lock protects, as a command does.
    private static func change(
        _ host: UInt64, _ client: Int, _ random: inout SeededRandom
    ) -> [Step] {
        var steps: [Step] = []
        func add(_ operation: Action.Operation, _ options: Action.Options = []) {
            let pause = Duration.milliseconds(.random(in: 0...50, using: &random))
            steps.append(
                Step(pause: pause, host: host, what: .ask(client, operation, options)))
        }
        add(.lock(.volumeGroup, .exclusive, .forever))
        add(.update(version: 0), .nextVersion)
        if random.happens(withProbability: 0.5) { add(.lock(.volumeGroup, .shared, .no)) }
        if random.happens(withProbability: 0.8) { add(.unlock(.volumeGroup)) }
        return steps
    }

    private static func pause(_ random: inout SeededRandom) -> Duration {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: .zero
        case 4..<9: .milliseconds(.random(in: 1...30, using: &random))
        default: .milliseconds(.random(in: 100...1500, using: &random))
        }
    }

    private static func target(_ random: inout SeededRandom) -> Action.Target {
        switch Int.random(in: 0..<6, using: &random) {
        case 0..<2: .volumeGroup
        case 2: .global
        default:
            .logicalVolume(
                LogicalVolume(uuid: Self.volumes[Int.random(in: 0..<2, using: &random)]))
        }
    }

    private static func request(
        _ random: inout SeededRandom
    ) -> (Action.Operation, Action.Options) {
        let target = Self.target(&random)
        var options: Action.Options = []
        if case .logicalVolume = target, random.happens(withProbability: 0.4) {
            options.insert(.persistent)
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50:
            let mode: LockMode = random.happens(withProbability: 0.5) ? .shared : .exclusive
            return (.lock(target, mode, Self.waiting(&random)), options)
        case 50..<80:
            if random.happens(withProbability: 0.2) { options.insert(.unlockCancel) }
            return (.unlock(target), options)
        case 80..<90: return (.update(version: 0), .nextVersion)
        case 90..<92: return (.queryLock(target), [])
        case 92..<95: return (.freeLogicalVolume(LogicalVolume(uuid: "u1")), [])
        case 95..<97: return (.findFreeLease(volumeBytes: 1), [])
        case 97..<99: return (.enableGlobalLock, [])
        default: return (.disableGlobalLock, [])
        }
    }

    private static func waiting(_ random: inout SeededRandom) -> Waiting {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6: .forever
        case 6..<8: .no
        case 8: .retries(1)
        case 9: .passingConflicts(retries: 1)
        default:
            // Counted from the request, when the simulation sends it.
            Waiting(deadline: .milliseconds(.random(in: 0...900, using: &random)))
        }
    }
}
