#if Sanlock
import Glibc
import LockCore

/// One lockspace that this host is a member of: its connections, and what is held on them.
///
/// Its state has no thread of its own, so that a call goes from its caller's thread to that of its
/// connection, and back.
final class SanlockLockspace: Sendable {
    /// What the manager knows before this host joins.
    let plan: LockspacePlan
    /// This membership.
    let membership: Membership
    /// For calls that belong to no connection; they follow one another.
    let housekeeping: BlockingExecutor
    /// For questions that the daemon answers without a look at storage: a loss is not noticed
    /// late because of a call that waits for what was lost.
    let vigil: BlockingExecutor
    let calls: SanlockCalls
    let configuration: SanlockLockManager.Configuration
    private let reports: AsyncStream<LockManagerEvent>.Continuation
    private let registration: SanlockConnection.Registration
    private let grants: Counter
    /// What changes. Everything in it that belongs together happens in one turn.
    let state: Guarded<LockspaceState>

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
        self.vigil = BlockingExecutor(label: "holdfast.sanlock.\(plan.id).vigil")
        self.registration = SanlockConnection.Registration(
            killPath: context.configuration.killHelperPath,
            killArguments: killSocket.arguments(
                plan.id.name, membership: membership.id.rawValue),
            ownerName: context.configuration.ownerName)
        self.state = Guarded(LockspaceState(), label: "holdfast.sanlock.\(plan.id).state")
    }

    /// The lockspace's name.
    var id: Lockspace.ID { self.plan.id }
    /// What this host holds, or may hold.
    var holds: [Resource.Name: SanlockHold] { self.state.with { $0.holds } }

    /// Opens the first connection, so that what is wrong with it shows while joining.
    func open() async throws(SanlockStatus) {
        try await self.callWithoutHold(.volumeGroup) { connection async throws(SanlockStatus) in
            try await connection.register()
        }
    }

    // MARK: Connections

    /// Makes a call on the connection.
    func call<Value: Sendable>(
        _ index: Int,
        _ body: (SanlockConnection) async throws(SanlockStatus) -> Value
    ) async throws(SanlockStatus) -> Value {
        let connection = self.state.with { $0.began(on: index, making: self.makeConnection) }
        defer { self.state.with { $0.ended(on: index) } }
        return try await body(connection)
    }

    private func makeConnection(_ index: Int) -> SanlockConnection {
        SanlockConnection(
            self.calls, self.registration, label: "holdfast.sanlock.\(self.id).\(index)")
    }

    /// Makes a call about a resource that is not to be held after it.
    func callWithoutHold<Value: Sendable>(
        _ name: Resource.Name,
        _ body: (SanlockConnection) async throws(SanlockStatus) -> Value
    ) async throws(SanlockStatus) {
        let (connection, isHeld) = self.state.with { ($0.assign(name), $0.holds[name] != nil) }
        defer { if !isHeld { self.state.with { $0.unassign(connection) } } }
        _ = try await self.call(connection, body)
    }

    /// Forgets the hold, and frees its place on the connection.
    func drop(_ name: Resource.Name) {
        self.state.with { $0.drop(name) }
    }

    /// A number for one more grant.
    func nextGrant() -> Grant.ID { Grant.ID(self.grants.next()) }

    // MARK: Standing

    /// Where the membership stands.
    var standing: LockspaceState.Standing { self.state.with { $0.standing } }

    /// Only letting go is possible.
    var isLost: Bool {
        switch self.standing {
        case .lost: true
        case .joined, .left: false
        }
    }

    /// Says once that the lockspace is lost.
    func lose(_ reason: String, certainFor: Duration) {
        guard self.state.with({ $0.lose() }) else { return }
        self.reports.yield(
            LockManagerEvent(
                lockspace: self.id, membership: self.membership.id,
                what: .lost(reason: reason, certainFor: certainFor)))
    }

    /// Keeps an eye on the lockspace, through a socket that closes when it ends.
    func startWatching(_ socket: RegisteredSocket) {
        let watch = DescriptorWatch.end(of: socket, close: self.calls.close) { [weak self] in
            Task { await self?.watchEnded() }
        }
        self.state.with { $0.watch = watch }
    }

    /// From here on the lockspace may end because this host wants it.
    func setLeaving(_ isLeaving: Bool) {
        self.state.with { $0.isLeaving = isLeaving }
    }

    /// The membership ends; nothing is finished any more.
    func end() {
        // The sockets close when nobody uses the connections any more.
        _ = self.state.with { $0.end() }
    }

    // MARK: Hosts

    /// All hosts seen alive; nil while sanlock has not looked yet.
    func hosts() async throws(SanlockStatus) -> [HostRecord]? {
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
        let key = LockspaceState.HostNameKey(id: host.id, generation: host.generation)
        var host = host
        if let name = self.state.with({ $0.hostNames[key] }) {
            host.name = name
            return host
        }
        let lease = await self.plan.lease(ofHost: host.id, self.configuration)
        if let lease, lease.generation == host.generation {
            self.state.with { $0.hostNames[key] = lease.hostName }
            host.name = lease.hostName
        }
        return host
    }
}
#endif
