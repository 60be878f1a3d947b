public import LockCore

/// Drives the lock managers of several hosts at random, as long as it is told to, and records what
/// they answer. Hosts can be killed, cut off, and made to lose their lockspaces meanwhile.
///
/// Every choice follows from the seed; but hosts answer when they like, so a seed repeats the kind
/// of run and not the run itself. A ``HistoryChecker`` judges the history.
///
/// The driver keeps the contract's rules for callers: at most one call for a resource of a host is
/// under way, and an acquire whose outcome is unknown is followed by a release.
public actor RandomisedRun {
    /// How long a run lasts.
    public enum Length: Hashable, Sendable {
        /// So many calls.
        case calls(Int)
        /// So long, on the run's clock.
        case time(Duration)
    }

    /// What is done at random, and how often.
    public struct Configuration: Sendable {
        /// Where all choices start.
        public var seed: UInt64
        /// How long the run lasts.
        public var length: Length
        /// Measures and waits for every duration.
        public var clock: any Clock<Duration>
        /// The longest pause of a host between two calls for one resource; zero for none.
        public var longestPause = Duration.zero
        /// The pause between two faults, and between a fault and its end.
        public var faultPause = Duration.zero
        /// A waiting call that has not answered by the time it suspends stands in the queue: true
        /// of managers in this process. With others nobody knows when it does.
        public var queuesAtOnce = false
        /// How much later than it happens, at most, the driver learns of a loss.
        public var newsDelay = Duration.zero
        /// What value blocks survive, beyond what the capabilities say.
        public var keepsValueBlocks = true
        /// Who knows a value block is told when its content is lost.
        public var tellsLostValueBlocks = false

        /// A run of that length, with every choice following from the seed.
        public init(
            seed: UInt64, length: Length, clock: any Clock<Duration> = ContinuousClock()
        ) {
            self.seed = seed
            self.length = length
            self.clock = clock
        }
    }

    /// The hosts of a run, and what can be done to them.
    public struct Hosts: Sendable {
        /// The hosts' numbers.
        public var numbers: [UInt64]
        /// Starts a host, or its next process after a fault that ended the last, and gives its lock
        /// manager.
        public var start: @Sendable (_ host: UInt64) async -> any LockManager
        /// What can go wrong.
        public var faults: [Fault]

        /// Describes hosts.
        public init(
            _ numbers: [UInt64], faults: [Fault] = [],
            start: @escaping @Sendable (_ host: UInt64) async -> any LockManager
        ) {
            self.numbers = numbers
            self.faults = faults
            self.start = start
        }
    }

    /// Something that goes wrong with a host, and is mended after a while.
    public struct Fault: Sendable {
        /// What becomes of the host.
        public enum Kind: Hashable, Sendable {
            /// The machine or its process dies, and is started again. Others may have its holds
            /// after `certainFor`; with nil, not before the host joins anew.
            case crash(certainFor: Duration?)
            /// The process ends and another is started at once, which may find the old one's holds.
            case restart(keepsHolds: Bool)
            /// The host loses its lockspace, and lives on.
            case loss(certainFor: Duration?)
            /// Something that takes nothing from the host, such as calls that fail.
            case disturbance
            /// The content of the value block is lost.
            case lostValueBlock
        }

        /// What becomes of the host.
        public var kind: Kind
        /// Lets it happen.
        public var strike: @Sendable (_ host: UInt64, _ resource: Resource.ID) async -> Void
        /// Ends it, before the host is used again.
        public var mend: @Sendable (_ host: UInt64) async -> Void

        /// Describes a fault.
        public init(
            _ kind: Kind,
            strike: @escaping @Sendable (_ host: UInt64, _ resource: Resource.ID) async -> Void,
            mend: @escaping @Sendable (_ host: UInt64) async -> Void = { _ in }
        ) {
            self.kind = kind
            self.strike = strike
            self.mend = mend
        }
    }

    /// A host as the driver knows it.
    struct HostRecord {
        var manager: any LockManager
        /// Counts the processes and memberships of the host: what was known of an earlier one is
        /// out of date.
        var epoch = 0
        var membership: Membership.ID?
        /// It has lost its membership and not begun to join again.
        var isOut = false
        /// What the host holds, as far as the driver knows.
        var held: [Resource.ID: LockMode] = [:]
        /// What an earlier process left behind.
        var orphans: [Resource.ID: LockMode] = [:]
        var reader: Task<Void, Never>?
    }

    let configuration: Configuration
    let lockspace: Lockspace
    let resources: [Resource]
    let fixture: Hosts
    var hosts: [UInt64: HostRecord] = [:]
    /// Acquires that wait, and can be called back.
    var waiting: [UInt64: [Resource.ID: History.CallID]] = [:]
    var recorder: HistoryRecorder
    var isOver = false
    private var calls = 0

    /// A run over resources of one lockspace. The capabilities are those of the hosts' managers.
    public init(
        _ hosts: Hosts, lockspace: Lockspace, resources: [Resource],
        capabilities: LockManagerCapabilities, configuration: Configuration
    ) {
        self.fixture = hosts
        self.lockspace = lockspace
        self.resources = resources
        self.configuration = configuration
        var promises = History.Promises(
            capabilities, keepsValueBlocks: configuration.keepsValueBlocks)
        promises.tellsLostValueBlocks = configuration.tellsLostValueBlocks
        self.recorder = HistoryRecorder(promises, clock: configuration.clock)
    }

    /// Runs to the end, lets go of everything, and returns what was recorded.
    public func run() async -> History {
        for host in self.fixture.numbers {
            await self.start(host)
            await self.join(host, adopting: .none)
        }
        await withTaskGroup { group in
            group.addTask { await self.strikeFaults() }
            for (number, host) in self.fixture.numbers.enumerated() {
                for (place, resource) in self.resources.enumerated() {
                    let seed = UInt64(number * self.resources.count + place + 1)
                    let random = RunRandom(seed: self.configuration.seed, stream: seed)
                    group.addTask { await self.use(resource, on: host, random) }
                }
            }
        }
        for host in self.fixture.numbers {
            _ = await self.call(.leave(self.lockspace.id), of: host)
            self.hosts[host]?.reader?.cancel()
        }
        return self.recorder.finish()
    }

    /// Counts a call, and ends the run when it has lasted long enough.
    func countCall() {
        self.calls += 1
        switch self.configuration.length {
        case .calls(let most): if self.calls >= most { self.isOver = true }
        case .time(let longest): if self.recorder.elapsed >= longest { self.isOver = true }
        }
    }

    /// Lets others go on, for a random time up to the longest.
    func pause(_ longest: Duration, _ random: inout RunRandom) async {
        if longest > .zero {
            let share = Double(random.number(below: 1000)) / 1000
            try? await self.configuration.clock.sleep(for: longest * share)
        } else {
            await Task.yield()
        }
    }
}

/// The choices of a run. (The algorithm is Steele, Lea and Flood's SplitMix64.)
struct RunRandom: Sendable {
    private var state: UInt64

    /// One of the seed's independent sequences.
    init(seed: UInt64, stream: UInt64) {
        self.state = seed &* 0x9e37_79b9_7f4a_7c15 ^ stream &* 0xd134_2543_de82_ef95
    }

    mutating func number(below bound: Int) -> Int {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(1, bound)))
    }

    /// Draws whether something of that probability in percent happens.
    mutating func happens(_ percent: Int) -> Bool {
        self.number(below: 100) < percent
    }
}
