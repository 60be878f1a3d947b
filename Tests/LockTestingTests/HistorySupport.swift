import LockCore
import LockInMemory
import LockTesting

/// Writes a history by hand: one call on each line, answered at once unless said otherwise.
struct HistoryWriter {
    static let vg = Resource.ID(
        lockspace: Lockspace.ID(kind: .memory, volumeGroup: "vg0"), name: .volumeGroup)

    private(set) var history: History
    private var lastCall = 0
    private var time = Duration.zero

    /// Hosts 1 to 3 are members of the lockspace.
    init(
        valueBlock: LockManagerCapabilities.ValueBlockSupport = .bytes(32),
        keepsValueBlocks: Bool = true, tellsLostValueBlocks: Bool = false
    ) {
        var capabilities = InMemoryCluster.Configuration.native.capabilities
        capabilities.valueBlock = valueBlock
        self.history = History(
            promises: History.Promises(capabilities, keepsValueBlocks: keepsValueBlocks))
        self.history.promises.tellsLostValueBlocks = tellsLostValueBlocks
        self.history.isComplete = true
        for host in 1...3 as ClosedRange<UInt64> { self.join(host) }
    }

    /// Each event is a millisecond after the one before.
    mutating func happens(_ what: History.What, to host: UInt64) {
        self.time += .milliseconds(1)
        self.history.append(History.Event(time: self.time, host: host, what))
    }

    mutating func pass(_ duration: Duration) { self.time += duration }

    mutating func ask(_ host: UInt64, _ request: History.Request) -> History.CallID {
        self.lastCall += 1
        let id = History.CallID(self.lastCall)
        self.happens(.asked(id, request), to: host)
        return id
    }

    mutating func answer(_ host: UInt64, _ id: History.CallID, _ answer: History.Answer) {
        self.happens(.answered(id, answer), to: host)
    }

    mutating func join(_ host: UInt64, adopting: Adoption = .none) {
        let id = self.ask(host, .join(Self.vg.lockspace, adopting: adopting))
        self.answer(host, id, .joined(Membership(id: Membership.ID(UInt64(id.rawValue)))))
    }

    mutating func askFor(
        _ mode: LockMode, _ host: UInt64, waiting: Bool = false, adopting: Adoption = .none
    ) -> History.CallID {
        let options = AcquireOptions(waiting: waiting, adopting: adopting)
        return self.ask(host, .acquire(Self.vg, mode, options))
    }

    mutating func grant(
        _ host: UInt64, _ id: History.CallID, version: UInt32? = nil, token: UInt64? = nil
    ) {
        let value = version.map { ValueBlockReading.value(ValueBlock(resourceVersion: $0)) }
        self.grant(host, id, reading: value ?? .unknown, token: token)
    }

    mutating func grant(
        _ host: UInt64, _ id: History.CallID, reading: ValueBlockReading, token: UInt64? = nil
    ) {
        let token = token.map { FencingToken(rawValue: $0) }
        let grant = Grant(id: Grant.ID(UInt64(id.rawValue)), value: reading, token: token)
        self.answer(host, id, .outcome(.granted(grant)))
    }

    mutating func take(
        _ mode: LockMode, _ host: UInt64, version: UInt32? = nil, token: UInt64? = nil
    ) {
        let id = self.askFor(mode, host)
        self.grant(host, id, version: version, token: token)
    }

    mutating func take(_ mode: LockMode, _ host: UInt64, reading: ValueBlockReading) {
        let id = self.askFor(mode, host)
        self.grant(host, id, reading: reading)
    }

    mutating func release(_ host: UInt64, writing version: UInt32? = nil) {
        let value = version.map { ValueBlock(resourceVersion: $0) }
        let id = self.ask(host, .release(Self.vg, writing: value))
        self.answer(host, id, .done)
    }

    mutating func convert(
        _ host: UInt64, to mode: LockMode, writing version: UInt32? = nil,
        answer: History.Answer? = nil
    ) {
        let value = version.map { ValueBlock(resourceVersion: $0) }
        let id = self.ask(host, .convert(Self.vg, to: mode, writing: value))
        if let answer { self.answer(host, id, answer) } else { self.grant(host, id) }
    }

    mutating func purge(_ host: UInt64) {
        let id = self.ask(host, .purge(Self.vg.lockspace))
        self.answer(host, id, .done)
    }

    mutating func forget(_ host: UInt64) {
        let id = self.ask(host, .forget(Self.vg))
        self.answer(host, id, .done)
    }

    mutating func crash(_ host: UInt64) {
        self.happens(.losing(nil, certainFor: .zero, reason: "crash"), to: host)
        self.happens(.lost(nil), to: host)
    }

    // MARK: Verdicts

    var report: HistoryChecker.Report { HistoryChecker().check(self.history) }

    /// The rules that the history breaks.
    var broken: [HistoryChecker.Rule] { self.report.refutations.map(\.rule) }
}

extension History.Answer {
    static func failed(hold: LockManagerError.Hold) -> History.Answer {
        .failed(LockManagerError(.storageFailed, hold: hold, doing: "try"))
    }
}
