#if Sanlock
import LockCore

/// What changes in a lockspace that this host is a member of.
struct LockspaceState {
    /// Where a membership stands.
    enum Standing: Sendable {
        /// The host is a member. Next: lost, or left.
        case joined
        /// sanlock gave up, or went away. Only letting go is possible. Next: left.
        case lost
        /// The membership is over, and so is everything in it.
        case left
    }

    /// What is left of a release that failed, and what finishes it.
    struct UnfinishedRelease: Sendable {
        /// Tells it from an earlier one of the same resource.
        var number: UInt64
        var task: Task<Void, Never>
    }

    /// A membership of a host; the name belongs to both.
    struct HostNameKey: Hashable {
        var id: UInt64
        var generation: UInt64
    }

    private(set) var standing = Standing.joined
    /// This host is about to end the membership itself.
    var isLeaving = false
    private(set) var holds: [Resource.Name: SanlockHold] = [:]
    private(set) var unfinished: [Resource.Name: UnfinishedRelease] = [:]
    var hostNames: [HostNameKey: String] = [:]
    var watch: DescriptorWatch?
    private var pool = ConnectionPool()
    private var connections: [SanlockConnection] = []
    private var lastUnfinished: UInt64 = 0

    // MARK: Connections

    /// A connection for one more resource; the same one for a resource that still has one.
    mutating func assign(_ name: Resource.Name) -> Int {
        if let hold = self.holds[name] { return hold.connection }
        return self.pool.assign()
    }

    /// Takes back a connection that was assigned for a hold that did not come about.
    mutating func unassign(_ connection: Int) {
        self.pool.unassign(connection)
    }

    /// A call goes out on the connection, which is made if it is a new one.
    mutating func began(
        on index: Int, making make: (_ index: Int) -> SanlockConnection
    ) -> SanlockConnection {
        while self.connections.count <= index {
            self.connections.append(make(self.connections.count))
        }
        self.pool.began(index)
        return self.connections[index]
    }

    /// A call on the connection was answered.
    mutating func ended(on index: Int) {
        self.pool.ended(index)
    }

    // MARK: Holds

    /// The resource is about to be acquired. What an earlier release left is this hold's business
    /// from now on. Returns the connection to ask on.
    mutating func beginHold(_ name: Resource.Name, _ record: ResourceRecord) -> Int {
        self.unfinished.removeValue(forKey: name)?.task.cancel()
        let connection = self.assign(name)
        self.holds[name] = SanlockHold(
            record: record, connection: connection, certainty: .unknown)
        return connection
    }

    /// The daemon granted the hold.
    mutating func granted(_ name: Resource.Name) {
        self.holds[name]?.certainty = .held
    }

    /// The daemon converted the hold to the mode of the record.
    mutating func converted(_ name: Resource.Name, _ record: ResourceRecord) {
        self.holds[name]?.record = record
    }

    /// Forgets the hold, and frees its place on the connection.
    mutating func drop(_ name: Resource.Name) {
        guard let hold = self.holds.removeValue(forKey: name) else { return }
        self.pool.unassign(hold.connection)
    }

    // MARK: Unfinished releases

    /// Something of the hold is left, and a task that is started here sees to it.
    mutating func leaveUnfinished(
        _ name: Resource.Name, _ start: (_ number: UInt64) -> Task<Void, Never>
    ) {
        self.unfinished[name]?.task.cancel()
        self.lastUnfinished += 1
        self.unfinished[name] = UnfinishedRelease(
            number: self.lastUnfinished, task: start(self.lastUnfinished))
    }

    /// Nothing of the hold is left, unless it is another one's business by now.
    mutating func finished(_ name: Resource.Name, _ number: UInt64) {
        guard self.unfinished[name]?.number == number else { return }
        self.unfinished[name] = nil
        self.drop(name)
    }

    /// Nothing is finished any more.
    mutating func cancelUnfinished() {
        for unfinished in self.unfinished.values { unfinished.task.cancel() }
        self.unfinished = [:]
    }

    // MARK: Standing

    /// Refuses what only a member can do.
    func checkMember(_ doing: @autoclosure () -> String) throws(LockManagerError) {
        switch self.standing {
        case .joined: return
        case .lost:
            throw LockManagerError(
                .lockLost, layer: .storage, doing: doing(),
                advice: "sanlock lost the lockspace; stop the volume group's use and drop it")
        case .left: throw LockManagerError(.lockspaceNotFound, doing: doing())
        }
    }

    /// False if it was lost before, or the end is this host's own wish.
    mutating func lose() -> Bool {
        guard case .joined = self.standing, !self.isLeaving else { return false }
        self.standing = .lost
        self.watch = nil
        return true
    }

    /// Ends the membership. Returns what the caller is to let go of.
    mutating func end() -> [SanlockConnection] {
        self.standing = .left
        self.watch = nil
        self.cancelUnfinished()
        self.holds = [:]
        defer { self.connections = [] }
        return self.connections
    }
}
#endif
