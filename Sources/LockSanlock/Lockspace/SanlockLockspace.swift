#if Sanlock
import Glibc
import LockCore

/// One lockspace that this host is a member of: its connections, and what is held on them.
actor SanlockLockspace {
    /// Where a membership stands.
    enum Standing: Sendable {
        /// The host is a member. Next: lost, or left.
        case joined
        /// sanlock gave up, or went away. Only letting go is possible. Next: left.
        case lost
        /// The membership is over, and so is everything in it.
        case left
    }

    /// What the manager knows before this host joins.
    nonisolated let plan: LockspacePlan
    /// This membership.
    nonisolated let membership: Membership
    /// For calls that belong to no connection; they follow one another.
    nonisolated let housekeeping: BlockingExecutor
    nonisolated let calls: SanlockCalls
    let configuration: SanlockLockManager.Configuration
    let reports: AsyncStream<LockManagerEvent>.Continuation
    private let registration: SanlockConnection.Registration

    private(set) var standing = Standing.joined
    /// This host is about to end the membership itself.
    private var isLeaving = false
    private var pool = ConnectionPool()
    private var connections: [SanlockConnection] = []
    var holds: [Resource.Name: SanlockHold] = [:]
    /// What is left of releases that failed, and the task that finishes each.
    var unfinished: [Resource.Name: Task<Void, Never>] = [:]
    private var hostNames: [HostNameKey: String] = [:]
    private var watch: DescriptorWatch?
    private let grants: Counter

    struct HostNameKey: Hashable {
        var id: UInt64
        var generation: UInt64
    }

    init(
        _ plan: LockspacePlan, _ membership: Membership, _ context: SanlockContext,
        killSocket: KillSocket.Address
    ) {
        self.plan = plan
        self.membership = membership
        self.calls = context.calls
        self.configuration = context.configuration
        self.reports = context.reports
        self.grants = context.grants
        self.housekeeping = plan.housekeeping
        self.registration = SanlockConnection.Registration(
            killPath: context.configuration.killHelperPath,
            killArguments: killSocket.arguments(
                plan.id.name, membership: membership.id.rawValue),
            ownerName: context.configuration.ownerName)
    }

    /// The lockspace's name.
    nonisolated var id: Lockspace.ID { self.plan.id }

    /// Opens the first connection, so that what is wrong with it shows while joining.
    func open() async throws(SanlockStatus) {
        let index = self.pool.assign()
        self.pool.unassign(index)
        try await self.connection(index).register()
    }

    // MARK: Connections

    private func connection(_ index: Int) -> SanlockConnection {
        while self.connections.count <= index {
            self.connections.append(
                SanlockConnection(
                    self.calls, self.registration,
                    label: "holdfast.sanlock.\(self.id).\(self.connections.count)"))
        }
        return self.connections[index]
    }

    /// A connection for one more resource; the same one for a resource that still has one.
    func assign(_ name: Resource.Name) -> Int {
        if let hold = self.holds[name] { return hold.connection }
        return self.pool.assign()
    }

    /// Makes a call on the connection.
    func call<Value: Sendable>(
        _ index: Int,
        _ body: (SanlockConnection) async throws(SanlockStatus) -> Value
    ) async throws(SanlockStatus) -> Value {
        self.pool.began(index)
        defer { self.pool.ended(index) }
        return try await body(self.connection(index))
    }

    /// Forgets the hold, and frees its place on the connection.
    func drop(_ name: Resource.Name) {
        guard let hold = self.holds.removeValue(forKey: name) else { return }
        self.pool.unassign(hold.connection)
    }

    /// Takes back a connection that was assigned for a hold that did not come about.
    func unassign(_ connection: Int) {
        self.pool.unassign(connection)
    }

    /// A number for one more grant.
    func nextGrant() -> Grant.ID { Grant.ID(self.grants.next()) }

    // MARK: Standing

    /// Refuses what only a member can do.
    func checkMember(_ doing: String) throws(LockManagerError) {
        switch self.standing {
        case .joined: return
        case .lost:
            throw LockManagerError(
                .lockLost, layer: .storage, doing: doing,
                advice: "sanlock lost the lockspace; stop the volume group's use and drop it")
        case .left: throw LockManagerError(.lockspaceNotFound, doing: doing)
        }
    }

    /// Says once that the lockspace is lost.
    func lose(_ reason: String, certainFor: Duration) {
        guard case .joined = self.standing, !self.isLeaving else { return }
        self.standing = .lost
        self.watch = nil
        self.reports.yield(
            LockManagerEvent(
                lockspace: self.id, membership: self.membership.id,
                what: .lost(reason: reason, certainFor: certainFor)))
    }

    /// Only letting go is possible.
    var isLost: Bool {
        switch self.standing {
        case .lost: true
        case .joined, .left: false
        }
    }

    /// Keeps an eye on the lockspace, through a socket that closes when it ends.
    func startWatching(_ socket: RegisteredSocket) {
        self.watch = DescriptorWatch.end(of: socket, close: self.calls.close) { [weak self] in
            Task { await self?.watchEnded() }
        }
    }

    /// From here on the lockspace may end because this host wants it.
    func setLeaving(_ isLeaving: Bool) {
        self.isLeaving = isLeaving
    }

    /// The membership ends; nothing is finished any more.
    func end() {
        self.standing = .left
        self.watch = nil
        for task in self.unfinished.values { task.cancel() }
        self.unfinished = [:]
        self.holds = [:]
        self.connections = []
    }

    // MARK: Hosts

    /// All hosts seen alive; nil while sanlock has not looked yet.
    nonisolated func hosts() async throws(SanlockStatus) -> [HostRecord]? {
        let name = self.id.name
        let calls = self.calls
        do throws(SanlockStatus) {
            return try await self.housekeeping.run { () throws(SanlockStatus) in
                try calls.hosts(name, 0)
            }
        } catch {
            if error == .errno(EAGAIN) { return nil }
            throw error
        }
    }

    /// The names of hosts, from their own leases, read once for each generation.
    func named(_ host: Host) async -> Host {
        let key = HostNameKey(id: host.id, generation: host.generation)
        var host = host
        if let name = self.hostNames[key] {
            host.name = name
            return host
        }
        let plan = self.plan
        let lease = await self.housekeeping.run {
            HostLease.read(
                hostID: key.id, path: plan.place.path,
                sectorBytes: Int(plan.layout.sectorBytes))
        }
        if let lease, lease.generation == host.generation {
            self.hostNames[key] = lease.hostName
            host.name = lease.hostName
        }
        return host
    }
}
#endif
