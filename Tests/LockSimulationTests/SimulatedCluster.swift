import LockCore
import LockInMemory

/// A lock manager as all hosts together see it: members, holds, queues and value blocks, and no
/// more. It is small enough to be seen to be right, and takes no part in the time that calls need.
struct SimulatedCluster {
    /// A call of a host, from its arrival to its answer.
    struct CallID: Hashable {
        var rawValue: Int
    }

    struct Hold: Hashable {
        var host: UInt64
        var mode: LockMode
        var grant: Grant.ID
        /// The host let go, and the release is not finished.
        var isReleasing = false
        var unpublished: ValueBlock?
    }

    struct Waiter {
        var call: CallID
        var host: UInt64
        var mode: LockMode
    }

    struct Protected {
        var holds: [Hold] = []
        var queue: [Waiter] = []
        var block = ValueBlock()
        /// Tells one content of the block from another.
        var stamp = 0
        var seen: [UInt64: Int] = [:]

        func obstacle(_ host: UInt64, _ mode: LockMode) -> Hold? {
            self.holds.first { $0.host != host && !$0.mode.isCompatible(with: mode) }
        }
    }

    struct Space {
        var members: [UInt64: Membership.ID] = [:]
        /// Members that are out, and hold what they held for a while yet.
        var lost: [UInt64: Membership.ID] = [:]
        var resources: [Resource.Name: Protected] = [:]
        var carriesGlobalLock = true
    }

    /// What becomes of something that happens: answers to calls that waited, news for holders, and
    /// resources whose last writer is not known to have finished.
    var answers: [(CallID, ResourceAnswer)] = []
    var wanted: [(UInt64, Lockspace.ID, Membership.ID, Resource.Name, Grant.ID)] = []
    private(set) var spaces: [Lockspace.ID: Space] = [:]
    /// How often the content of a block, or what it stands for, was lost.
    private(set) var losses: [Resource.ID: Int] = [:]

    let capabilities: LockManagerCapabilities
    let keepsValueBlocks: Bool
    private var lastNumber: UInt64 = 0

    init(_ capabilities: LockManagerCapabilities, keepsValueBlocks: Bool) {
        self.capabilities = capabilities
        self.keepsValueBlocks = keepsValueBlocks
    }

    private mutating func next() -> UInt64 {
        self.lastNumber += 1
        return self.lastNumber
    }

    static func error(
        _ code: LockErrorCode, hold: LockManagerError.Hold = .unchanged
    ) -> LockManagerError {
        LockManagerError(code, hold: hold, doing: "a simulated call")
    }

    func holds(_ resource: Resource.ID) -> [Hold] {
        self.spaces[resource.lockspace]?.resources[resource.name]?.holds ?? []
    }

    // MARK: Membership

    mutating func join(_ space: Lockspace.ID, _ host: UInt64) -> Membership {
        if self.spaces[space]?.lost[host] != nil { self.abandon(space, host) }
        let id = Membership.ID(self.next())
        self.spaces[space, default: Space()].members[host] = id
        return Membership(id: id, hostID: host)
    }

    mutating func leave(_ space: Lockspace.ID, _ host: UInt64, _ reason: LeaveReason) {
        self.abandon(space, host)
        self.spaces[space]?.members[host] = nil
        guard reason == .removed else { return }
        for name in self.names(space) { self.loseBlock(Resource.ID(lockspace: space, name: name)) }
    }

    func otherHosts(_ space: Lockspace.ID, than host: UInt64) -> OtherHosts {
        guard let space = self.spaces[space] else { return .none }
        let count = Set(space.members.keys).union(space.lost.keys).subtracting([host]).count
        return count == 0 ? .none : .count(count)
    }

    /// The host is out; what it holds it keeps until ``abandon(_:_:)``.
    mutating func lose(_ space: Lockspace.ID, _ host: UInt64) -> Membership.ID? {
        guard let id = self.spaces[space]?.members.removeValue(forKey: host) else { return nil }
        self.spaces[space]?.lost[host] = id
        for name in self.names(space) {
            self.withdrawWaiter(Resource.ID(lockspace: space, name: name), host, .failure)
        }
        return id
    }

    /// Frees what a host held that is out, if it is still that membership.
    mutating func expire(_ space: Lockspace.ID, _ host: UInt64, _ id: Membership.ID) {
        if self.spaces[space]?.lost[host] == id { self.abandon(space, host) }
    }

    private mutating func abandon(_ space: Lockspace.ID, _ host: UInt64) {
        self.spaces[space]?.lost[host] = nil
        for name in self.names(space) {
            let id = Resource.ID(lockspace: space, name: name)
            self.withdrawWaiter(id, host, .failure)
            self.change(id) { protected in
                protected.seen[host] = nil
                protected.holds.removeAll { $0.host == host }
            } onRemoval: { hold, cluster in
                guard hold.mode == .exclusive else { return }
                // What its holder was about to publish is gone, and maybe the block with it.
                cluster.losses[id, default: 0] += 1
                if !cluster.keepsValueBlocks { cluster.loseBlock(id) }
            }
        }
    }

    /// In an order that does not depend on hashing.
    private func names(_ space: Lockspace.ID) -> [Resource.Name] {
        (self.spaces[space]?.resources.keys.map(\.self) ?? []).sorted {
            $0.description < $1.description
        }
    }

    mutating func loseBlock(_ id: Resource.ID) {
        self.losses[id, default: 0] += 1
        self.spaces[id.lockspace]?.resources[id.name]?.block = ValueBlock()
        let stamp = Int(self.next())
        self.spaces[id.lockspace]?.resources[id.name]?.stamp = stamp
    }

    mutating func setGlobalLock(_ space: Lockspace.ID, enabled: Bool) {
        self.spaces[space]?.carriesGlobalLock = enabled
    }

    // MARK: Holds

    /// Nil if the call waits.
    mutating func acquire(
        _ id: Resource.ID, _ mode: LockMode, waiting: Bool, _ host: UInt64, _ call: CallID
    ) -> Result<AcquireOutcome, LockManagerError>? {
        guard self.spaces[id.lockspace]?.members[host] != nil else {
            return .failure(Self.error(.lockLost))
        }
        if id.name == .global, self.capabilities.globalLock == .inVolumeGroup,
            self.spaces[id.lockspace]?.carriesGlobalLock == false
        {
            return .failure(Self.error(.globalLockDisabled))
        }
        self.finishRelease(id, host)
        let protected = self.spaces[id.lockspace]?.resources[id.name] ?? Protected()
        if protected.holds.contains(where: { $0.host == host }) {
            return .failure(Self.error(.alreadyHeld))
        }
        let obstacle = protected.obstacle(host, mode)
        if obstacle == nil, protected.queue.isEmpty {
            return .success(.granted(self.grant(id, mode, host)))
        }
        guard waiting else {
            let owner = obstacle.map { Host(id: $0.host, state: .live) }
            return .success(.contended(Contention(owner: owner)))
        }
        self.spaces[id.lockspace]?.resources[id.name, default: Protected()].queue.append(
            Waiter(call: call, host: host, mode: mode))
        self.tellHolders(id, host, mode)
        return nil
    }

    mutating func cancel(_ id: Resource.ID, _ host: UInt64) {
        self.withdrawWaiter(id, host, .contended)
    }

    mutating func convert(
        _ id: Resource.ID, to mode: LockMode, writing value: ValueBlock?, _ host: UInt64
    ) -> Result<AcquireOutcome, LockManagerError> {
        guard self.spaces[id.lockspace]?.members[host] != nil else {
            return .failure(Self.error(.lockLost))
        }
        guard let protected = self.spaces[id.lockspace]?.resources[id.name],
            let own = protected.holds.firstIndex(where: { $0.host == host && !$0.isReleasing })
        else { return .failure(Self.error(.notHeld)) }
        if let obstacle = protected.obstacle(host, mode) {
            let owner = Host(id: obstacle.host, state: .live)
            return .success(.contended(Contention(owner: owner)))
        }
        self.publish(value, id, under: protected.holds[own])
        let grant = Grant.ID(self.next())
        self.change(id) {
            $0.holds[own].mode = mode
            $0.holds[own].grant = grant
        }
        return .success(.granted(Grant(id: grant, value: self.reading(id, host))))
    }

    mutating func release(_ id: Resource.ID, writing value: ValueBlock?, _ host: UInt64) {
        guard let hold = self.holds(id).first(where: { $0.host == host }) else { return }
        self.publish(hold.isReleasing ? hold.unpublished : value, id, under: hold)
        self.change(id) { $0.holds.removeAll { $0.host == host } }
    }

    /// The release failed; the manager finishes it by itself.
    mutating func postponeRelease(_ id: Resource.ID, writing value: ValueBlock?, _ host: UInt64) {
        self.change(id) { protected in
            guard let own = protected.holds.firstIndex(where: { $0.host == host }) else { return }
            protected.holds[own].isReleasing = true
            protected.holds[own].unpublished = value
        }
    }

    mutating func finishRelease(_ id: Resource.ID, _ host: UInt64) {
        guard let hold = self.holds(id).first(where: { $0.host == host && $0.isReleasing })
        else { return }
        self.publish(hold.unpublished, id, under: hold)
        self.change(id) { $0.holds.removeAll { $0.host == host } }
    }

    // MARK: Details

    private mutating func grant(_ id: Resource.ID, _ mode: LockMode, _ host: UInt64) -> Grant {
        let grant = Grant.ID(self.next())
        let hold = Hold(host: host, mode: mode, grant: grant)
        self.spaces[id.lockspace]?.resources[id.name, default: Protected()].holds.append(hold)
        let token = mode == .exclusive ? FencingToken(rawValue: grant.rawValue) : nil
        return Grant(id: grant, value: self.reading(id, host), token: token)
    }

    private mutating func reading(_ id: Resource.ID, _ host: UInt64) -> ValueBlockReading {
        guard let protected = self.spaces[id.lockspace]?.resources[id.name] else {
            return .unknown
        }
        defer { self.spaces[id.lockspace]?.resources[id.name]?.seen[host] = protected.stamp }
        switch self.capabilities.valueBlock {
        case .none: return .unknown
        case .bytes: return .value(protected.block)
        case .changeStamp:
            guard let seen = protected.seen[host] else { return .unknown }
            return seen == protected.stamp ? .unchanged : .changed
        }
    }

    /// The answer that showed the block never came.
    mutating func forgetSeen(_ id: Resource.ID, _ host: UInt64) {
        self.spaces[id.lockspace]?.resources[id.name]?.seen[host] = nil
    }

    private mutating func publish(_ value: ValueBlock?, _ id: Resource.ID, under hold: Hold) {
        guard let value, hold.mode == .exclusive else { return }
        let stamp = Int(self.next())
        self.spaces[id.lockspace]?.resources[id.name]?.block = value
        self.spaces[id.lockspace]?.resources[id.name]?.stamp = stamp
        self.spaces[id.lockspace]?.resources[id.name]?.seen[hold.host] = stamp
    }

    /// Changes a resource, then lets the first in its queue have what they can.
    private mutating func change(
        _ id: Resource.ID, _ body: (inout Protected) -> Void,
        onRemoval: (Hold, inout SimulatedCluster) -> Void = { _, _ in }
    ) {
        guard var protected = self.spaces[id.lockspace]?.resources[id.name] else { return }
        let before = protected.holds
        body(&protected)
        self.spaces[id.lockspace]?.resources[id.name] = protected
        for hold in before where !protected.holds.contains(where: { $0.host == hold.host }) {
            onRemoval(hold, &self)
        }
        self.settle(id)
    }

    private mutating func settle(_ id: Resource.ID) {
        while let protected = self.spaces[id.lockspace]?.resources[id.name],
            let first = protected.queue.first, protected.obstacle(first.host, first.mode) == nil
        {
            self.spaces[id.lockspace]?.resources[id.name]?.queue.removeFirst()
            let grant = self.grant(id, first.mode, first.host)
            self.answers.append((first.call, .outcome(.success(.granted(grant)))))
        }
        if let next = self.spaces[id.lockspace]?.resources[id.name]?.queue.first {
            self.tellHolders(id, next.host, next.mode)
        }
    }

    private enum Withdrawal { case contended, failure }

    private mutating func withdrawWaiter(
        _ id: Resource.ID, _ host: UInt64, _ how: Withdrawal
    ) {
        guard let queue = self.spaces[id.lockspace]?.resources[id.name]?.queue,
            let index = queue.firstIndex(where: { $0.host == host })
        else { return }
        self.spaces[id.lockspace]?.resources[id.name]?.queue.remove(at: index)
        let answer: Result<AcquireOutcome, LockManagerError> =
            how == .contended
            ? .success(.contended(Contention())) : .failure(Self.error(.lockLost))
        self.answers.append((queue[index].call, .outcome(answer)))
        self.settle(id)
    }

    private mutating func tellHolders(_ id: Resource.ID, _ host: UInt64, _ mode: LockMode) {
        for hold in self.holds(id) where hold.host != host {
            guard !hold.mode.isCompatible(with: mode), !hold.isReleasing,
                let member = self.spaces[id.lockspace]?.members[hold.host]
            else { continue }
            self.wanted.append((hold.host, id.lockspace, member, id.name, hold.grant))
        }
    }
}
