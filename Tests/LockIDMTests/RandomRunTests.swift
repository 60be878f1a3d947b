import DaemonHarness
import Foundation
import LockCore
import LockIDM
import LockIDMEmulation
import LockTesting
import Testing

/// Three hosts on five drives do what they like while hosts and drives fail, and what they are
/// granted is proved to be right.
@Suite(.serialized) struct RandomRunTests {
    private static let hosts = 3
    private static let length = Duration.seconds(isFull ? 60 : 12)

    @Test(arguments: isFull ? 1...3 as ClosedRange<UInt64> : 1...1)
    func `a run with failing hosts and drives is accepted, through the lock manager`(
        _ seed: UInt64
    ) async throws {
        let world = try ManagerHosts(drives: 5, hosts: Self.hosts)
        let run = RunHosts { world.arguments($0) }
        let report = await self.run(
            run, world, drives: world.bench.drives, paths: world.bench.paths, keepsHolds: false,
            seed: seed)
        try self.expectAccepted(report)
    }

    @Test(arguments: isFull ? 1...3 as ClosedRange<UInt64> : 1...1)
    func `a run with failing hosts and drives is accepted, on the drives themselves`(
        _ seed: UInt64
    ) async throws {
        let world = try DirectHosts(drives: 5, hosts: Self.hosts)
        let run = RunHosts { world.arguments($0) }
        for drive in 0..<5 { world.drives.setFailures(percent: 1, drive: drive) }
        let report = await self.run(
            run, world, drives: world.drives, paths: world.paths, keepsHolds: true, seed: seed)
        try self.expectAccepted(report)
    }

    private func expectAccepted(_ report: HistoryChecker.Report) throws {
        #expect(report.isAccepted, "\(report)")
        print(report)
        for rule in [HistoryChecker.Rule.mutualExclusion, .noGrantToLostHosts] {
            guard case .proved(let times) = report.verdicts[rule], times > 0 else {
                Issue.record("\(rule): \(report)")
                continue
            }
        }
        if isFull { #expect(report.takeovers.values.reduce(0, +) > 0, "\(report)") }
    }

    private func run(
        _ hosts: RunHosts, _ world: some HostWorld, drives: EmulatedDriveBank, paths: [String],
        keepsHolds: Bool, seed: UInt64
    ) async -> HistoryChecker.Report {
        let lockspace = Lockspace(
            volumeGroup: "vg0", kind: .idm, uuid: GroupNames.uuid(of: "vg0"), arguments: "idm",
            drives: paths)
        let names: [Resource.Name] = [.volumeGroup, .logicalVolume("u1"), .logicalVolume("u2")]
        var configuration = RandomisedRun.Configuration(seed: seed, length: .time(Self.length))
        configuration.longestPause = .milliseconds(20)
        configuration.faultPause = .milliseconds(400)
        configuration.newsDelay = .milliseconds(200)
        configuration.keepsValueBlocks = false
        let run = RandomisedRun(
            RandomisedRun.Hosts(
                (1...UInt64(Self.hosts)).map { $0 },
                faults: self.faults(hosts, world, drives, lockspace.id, keepsHolds: keepsHolds),
                start: { await hosts.start(Int($0)) }),
            lockspace: lockspace,
            resources: names.map { Resource(.init(lockspace: lockspace.id, name: $0)) },
            capabilities: await hosts.start(1).capabilities, configuration: configuration)
        let history = await run.run()
        await hosts.stop()
        return HistoryChecker().check(history)
    }

    private func faults(
        _ hosts: RunHosts, _ world: some HostWorld, _ drives: EmulatedDriveBank,
        _ lockspace: Lockspace.ID, keepsHolds: Bool
    ) -> [RandomisedRun.Fault] {
        // A host that lives has refreshed what it holds less than its own limit ago.
        let certain = HostTimes.countdown - HostTimes.giveUp - .milliseconds(300)
        return [
            RandomisedRun.Fault(.crash(certainFor: certain)) { host, _ in
                // First the machine: a lock manager that lives would let go for its process.
                try? await world.crash(Int(host))
                await hosts.kill(Int(host))
            },
            RandomisedRun.Fault(.restart(keepsHolds: keepsHolds)) { host, _ in
                await hosts.kill(Int(host))
            },
            RandomisedRun.Fault(.loss(certainFor: .zero)) { host, _ in
                try? await world.takeAway(lockspace, from: Int(host))
                await hosts.noticesLoss(of: lockspace, Int(host))
            },
            RandomisedRun.Fault(
                .disturbance, strike: { host, _ in drives.setCutOff(true, host: Int(host)) },
                mend: { drives.setCutOff(false, host: Int($0)) }),
            RandomisedRun.Fault(
                .disturbance,
                strike: { host, _ in
                    for drive in [Int(host), Int(host + 1) % 5] {
                        drives.setFailing(true, drive: drive)
                    }
                },
                mend: { _ in for drive in 0..<5 { drives.setFailing(false, drive: drive) } }),
        ]
    }
}

/// Processes of hosts, each started anew after it was killed.
actor RunHosts {
    private let arguments: @Sendable (_ host: Int) -> [String]
    private var running: [Int: (process: AgentProcess, manager: any LockManager)] = [:]

    init(arguments: @escaping @Sendable (_ host: Int) -> [String]) {
        self.arguments = arguments
    }

    /// The manager of the host's process, which is started if there is none.
    func start(_ host: Int) async -> any LockManager {
        if let running = self.running[host] { return running.manager }
        do {
            let process = try AgentProcess(
                executable: Repository.product("HostAgent"), arguments: self.arguments(host))
            let manager = try await RemoteLockManager(over: process.stream)
            self.running[host] = (process, manager)
            return manager
        } catch {
            preconditionFailure("host \(host) does not start: \(error)")
        }
    }

    /// Returns when the host's manager knows that it has lost the lockspace.
    func noticesLoss(of lockspace: Lockspace.ID, _ host: Int) async {
        guard let manager = self.running[host]?.manager else { return }
        while true {
            do throws(LockManagerError) {
                _ = try await manager.otherHosts(in: lockspace)
            } catch {
                if [.lockLost, .lockspaceNotFound].contains(error.code) { return }
            }
            // Nothing cuts it short.
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    func kill(_ host: Int) async {
        await self.running.removeValue(forKey: host)?.process.kill()
    }

    func stop() async {
        for host in self.running.keys.sorted() { await self.kill(host) }
    }
}
