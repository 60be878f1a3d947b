import LockCore
import LockInMemory
import LockTesting
import Testing

/// Random runs keep every rule, and one on a broken lock manager does not.
@Suite struct HistoryRunTests {
    private static let kinds = ["memory", "dlm", "sanlock", "idm"]

    @Test(arguments: kinds, 1...3 as ClosedRange<UInt64>)
    func `a run with faults is accepted`(_ kind: String, _ seed: UInt64) async {
        let bench = MemoryBench(kind, seed: seed)
        let history = await bench.run(seed: seed, calls: 3000)
        let report = HistoryChecker().check(history)
        #expect(report.isAccepted, "\(report)")
        #expect(history.events.count > 3000)
        // Every rule that the manager promises was put to the test.
        for rule in HistoryChecker.Rule.allCases {
            if case .proved(let times) = report.verdicts[rule] {
                #expect(times > 0, "\(rule)\n\(report)")
            }
        }
        #expect((report.takeovers[.expired] ?? 0) > 0, "\(report)")
        // Where nothing expires, it takes the crashed host's return.
        if seed % 2 == 0 { #expect((report.takeovers[.rejoined] ?? 0) > 0, "\(report)") }
    }

    @Test(arguments: BrokenLockManager.Defect.allCases)
    func `a run on a broken lock manager is refuted`(
        _ defect: BrokenLockManager.Defect
    ) async throws {
        let bench = MemoryBench("memory", seed: 1, withFaults: defect == .goesOnAfterLoss)
        let history = await bench.run(seed: 1, calls: 2000) {
            BrokenLockManager(base: $0, defect: defect)
        }
        let report = HistoryChecker().check(history)
        #expect(report.refutations.map(\.rule).contains(defect.rule), "\(report)")
    }

    @Test func `a long history is checked in a time that grows with its length`() {
        var story = HistoryWriter()
        for round in 0..<20_000 as Range<UInt32> {
            story.take(.exclusive, UInt64(round % 3 + 1), version: round, token: UInt64(round + 1))
            story.release(UInt64(round % 3 + 1), writing: round + 1)
        }
        let report = story.report
        #expect(report.isAccepted, "\(report)")
        #expect(report.verdicts[.mutualExclusion] == .proved(times: 20_000))
    }
}

/// A cluster in memory, and what can go wrong in it.
struct MemoryBench {
    let cluster: InMemoryCluster
    private let lockspace: Lockspace
    private let withFaults: Bool

    init(_ kind: String, seed: UInt64, withFaults: Bool = true) {
        var configuration: InMemoryCluster.Configuration =
            .presenting(LockManagerKind(rawValue: kind)) ?? .native
        configuration.crashedHostExpires = seed % 2 == 0 ? nil : .milliseconds(2)
        configuration.seed = seed
        self.cluster = InMemoryCluster(configuration)
        self.lockspace = Lockspace(
            volumeGroup: "vg0", kind: configuration.kind,
            arguments: kind == "sanlock" ? "1.0.0:lvmlock" : "")
        self.withFaults = withFaults
    }

    func run(
        seed: UInt64, calls: Int,
        wrapping wrap: @escaping @Sendable (InMemoryLockManager) -> any LockManager = { $0 }
    ) async -> History {
        let cluster = self.cluster
        let names: [Resource.Name] = [.volumeGroup, .logicalVolume("u1"), .logicalVolume("u2")]
        let resources = names.map { Resource(.init(lockspace: self.lockspace.id, name: $0)) }
        let hosts = RandomisedRun.Hosts(
            [1, 2, 3], faults: self.withFaults ? self.faults : []
        ) { wrap(cluster.host($0)) }
        var configuration = RandomisedRun.Configuration(seed: seed, length: .calls(calls))
        configuration.queuesAtOnce = true
        configuration.keepsValueBlocks = cluster.configuration.valueBlockLifetime == .onStorage
        if self.withFaults { self.injectFaults() }
        let run = RandomisedRun(
            hosts, lockspace: self.lockspace, resources: resources,
            capabilities: cluster.configuration.capabilities, configuration: configuration)
        return await run.run()
    }

    private func injectFaults() {
        for call in [InMemoryCluster.Call.acquire, .convert, .release] {
            for hold in [LockManagerError.Hold.unchanged, .unknown] {
                self.cluster.inject(
                    .failure(.storageFailed, hold: hold, status: nil), where: .init(call),
                    times: nil, probability: 0.02)
            }
            self.cluster.inject(
                .slowAnswer(.microseconds(100)), where: .init(call), times: nil, probability: 0.02)
        }
    }

    private var faults: [RandomisedRun.Fault] {
        let cluster = self.cluster
        let lockspace = self.lockspace.id
        let expires = cluster.configuration.crashedHostExpires
        let keeps = cluster.configuration.capabilities.adoption
        return [
            RandomisedRun.Fault(
                .crash(certainFor: expires), strike: { host, _ in cluster.crash(host) },
                mend: { cluster.restart($0) }),
            RandomisedRun.Fault(
                .crash(certainFor: .zero),
                strike: { host, _ in
                    cluster.crash(host)
                    cluster.declareDead(host)
                }, mend: { cluster.restart($0) }),
            RandomisedRun.Fault(
                .restart(keepsHolds: keeps), strike: { host, _ in cluster.restart(host) }),
            RandomisedRun.Fault(.loss(certainFor: .milliseconds(1))) { host, _ in
                cluster.lose(lockspace, on: host, certainFor: .milliseconds(1))
            },
            RandomisedRun.Fault(.loss(certainFor: .zero)) { host, _ in cluster.declareDead(host) },
            RandomisedRun.Fault(
                .disturbance, strike: { host, _ in cluster.cutOff(host) },
                mend: { cluster.reconnect($0) }),
            RandomisedRun.Fault(.lostValueBlock) { _, resource in
                cluster.loseValueBlock(of: resource)
            },
        ]
    }
}

/// A lock manager with a defect.
struct BrokenLockManager: ForwardingLockManager {
    /// What is wrong with it.
    enum Defect: CaseIterable {
        case grantsTwice, forgetsTokens, showsOldValues, goesOnAfterLoss

        var rule: HistoryChecker.Rule {
            switch self {
            case .grantsTwice: .mutualExclusion
            case .forgetsTokens: .tokensGrow
            case .showsOldValues: .valueBlocksNeverGoBack
            case .goesOnAfterLoss: .noGrantToLostHosts
            }
        }
    }

    let base: InMemoryLockManager
    let defect: Defect

    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        do throws(LockManagerError) {
            let outcome = try await self.base.acquire(resource, mode, options)
            switch (self.defect, outcome) {
            case (.grantsTwice, .contended):
                return .granted(Grant(id: Grant.ID(0), token: FencingToken(rawValue: .max)))
            case (.forgetsTokens, .granted(var grant)):
                grant.token = grant.token.map { FencingToken(rawValue: $0.rawValue % 7) }
                return .granted(grant)
            case (.showsOldValues, .granted(var grant)):
                grant.value = .value(ValueBlock(resourceVersion: UInt32(grant.id.rawValue % 5)))
                return .granted(grant)
            default: return outcome
            }
        } catch {
            guard self.defect == .goesOnAfterLoss else { throw error }
            return .granted(Grant(id: Grant.ID(0)))
        }
    }
}
