import LockCore
import LockInMemory

/// Several services, each with its own host of a cluster in memory, under one seeded executor: the
/// runtime as it is, with every order of its tasks possible.
final class RuntimeRun {
    private struct Asked {
        var host: Int
        var client: Client.ID
        var isAnswered = false
    }

    let executor: SeededExecutor
    private let cluster: InMemoryCluster
    private let services: [LockService]
    private var random: SeededRandom
    private var clients: [[Client.ID]] = []
    private var asked: [Int: Asked] = [:]
    private let replies = ReplyLog()
    private let watch = CallWatch()
    private static let volume = Action.Target.logicalVolume(LogicalVolume(uuid: "u1"))

    init(seed: UInt64) {
        self.random = SeededRandom(seed: seed)
        let executor = SeededExecutor(seed: seed)
        var configuration = InMemoryCluster.Configuration.native
        // A queue's continuations would take calls through other threads.
        configuration.capabilities.waitsInQueue = false
        configuration.seed = seed
        let cluster = InMemoryCluster(configuration)
        let watch = self.watch
        self.executor = executor
        self.cluster = cluster
        self.services = (1...3 as ClosedRange<UInt64>).map { host in
            LockService(
                managers: [
                    WatchedManager(
                        base: cluster.host(host), host: host, watch: watch, executor: executor)
                ],
                configuration: LockService.Configuration(executor: executor, time: executor))
        }
        self.clients = self.services.map { service in
            (0..<3).map { _ in service.assumeIsolated { $0.openClient() } }
        }
        for call in [InMemoryCluster.Call.acquire, .convert, .release] {
            cluster.inject(
                .failure(.storageFailed, hold: .unknown, status: nil), where: .init(call),
                times: nil, probability: 0.03)
        }
    }

    /// Plays so many steps and brings everything to an end.
    func run(steps: Int) throws {
        for host in self.services.indices {
            let lockspace = Lockspace(volumeGroup: "vg0", kind: .memory)
            self.submit(.start(lockspace), .wait, host, self.clients[host][0])
        }
        self.executor.run(until: .seconds(1))
        for _ in 0..<steps {
            self.step()
            let pause = Duration.milliseconds(.random(in: 0...20, using: &self.random))
            if self.random.happens(withProbability: 0.5) {
                _ = self.executor.runOne()
            } else {
                self.executor.run(until: self.executor.now + pause)
            }
            try self.check()
        }
        try self.end()
    }

    private func step() {
        let host = Int.random(in: 0..<self.services.count, using: &self.random)
        let slot = Int.random(in: 0..<3, using: &self.random)
        let client = self.clients[host][slot]
        let targets: [Action.Target] = [.volumeGroup, .global, Self.volume]
        let target = targets[Int.random(in: 0..<3, using: &self.random)]
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0..<9:
            let mode: LockMode = self.random.happens(withProbability: 0.5) ? .shared : .exclusive
            self.submit(.lock(target, mode, .forever), [], host, client)
        case 9..<16: self.submit(.unlock(target), [], host, client)
        case 16..<18: self.submit(.update(version: 0), .nextVersion, host, client)
        default:
            let service = self.services[host]
            service.assumeIsolated { $0.closeClient(client) }
            self.asked = self.asked.filter { $0.value.host != host || $0.value.client != client }
            self.clients[host][slot] = service.assumeIsolated { $0.openClient() }
        }
    }

    private func submit(
        _ operation: Action.Operation, _ options: Action.Options, _ host: Int, _ client: Client.ID
    ) {
        let number = self.replies.next()
        self.asked[number] = Asked(host: host, client: client)
        let action = Action(operation, volumeGroup: "vg0", options: options)
        let replies = self.replies
        self.services[host].assumeIsolated { service in
            service.submit(action, from: client) { _ in replies.answered(number) }
        }
    }

    // MARK: Rules

    private func check() throws {
        if let violation = self.watch.violation { throw Violation(violation) }
        if let twice = self.replies.answeredTwice {
            throw Violation("action \(twice): two replies")
        }
        var holders: [String: [(host: Int, mode: LockMode)]] = [:]
        for (host, service) in self.services.enumerated() {
            for space in service.assumeIsolated({ $0.status() }).lockspaces {
                for resource in space.resources where !resource.locks.isEmpty {
                    let name = "\(space.lockspace.id) \(resource.name)"
                    holders[name, default: []].append((host, resource.mode))
                }
            }
        }
        for (name, holders) in holders
        where holders.count > 1 && holders.contains(where: { $0.mode == .exclusive }) {
            // A conversion under way to the weaker mode may have been made already.
            guard self.watch.isConverting else {
                throw Violation("\(name) is locked by \(holders)")
            }
        }
    }

    /// Every client closes; then nothing may be held, and stopping has to end.
    private func end() throws {
        self.cluster.removeFaults()
        for (host, clients) in self.clients.enumerated() {
            for client in clients { self.services[host].assumeIsolated { $0.closeClient(client) } }
        }
        self.asked = [:]
        self.executor.run(until: self.executor.now + .seconds(20))
        try self.check()
        for (host, service) in self.services.enumerated() {
            let client = service.assumeIsolated { $0.openClient() }
            self.submit(.stopAll, [.wait, .force], host, client)
        }
        self.executor.run(until: self.executor.now + .seconds(20))
        guard self.asked.keys.allSatisfy({ self.replies.isAnswered($0) }) else {
            throw Violation("stopping is never answered")
        }
        let left = self.services.flatMap { $0.assumeIsolated { $0.status() }.lockspaces }
        guard left.allSatisfy({ $0.state == .stopped }) else {
            throw Violation("lockspaces are left: \(left.map(\.state))")
        }
        guard self.watch.underWay == 0 else { throw Violation("calls are left") }
    }
}
