import LockCore

/// One host's part in a lockspace.
struct MemoryMember {
    /// How the membership stands.
    enum Standing: Hashable {
        /// The host's process takes part. Next: any other.
        case live
        /// The process ended, its locks are orphans. Next: live (adopted), or gone.
        case leftBehind
        /// The host lost it; others get its holds at that time, or have them already (nil).
        /// Next: gone (left).
        case lost(holdsUntil: Duration?)
        /// The host crashed; others get its holds at that time, or when it is declared dead (nil).
        /// Next: gone.
        case failing(until: Duration?)
    }

    var id: Membership.ID
    var hostID: UInt64
    var generation: UInt64
    var standing: Standing = .live
}

/// A lockspace as all hosts together see it: its members and its resources.
struct MemoryLockspace {
    /// The number of the host that exists only as another host's holder.
    static let simulatedHost: UInt64 = 0

    let id: Lockspace.ID
    var members: [UInt64: MemoryMember] = [:]
    var resources: [Resource.Name: MemoryResource] = [:]
    /// The volume group carries the global lock.
    var carriesGlobalLock = false
    /// How often each host has joined.
    private(set) var generations: [UInt64: UInt64] = [:]
    /// No membership expires before.
    private var nextExpiry: Duration?

    init(_ id: Lockspace.ID) {
        self.id = id
    }

    /// The live membership of the calling host.
    @discardableResult
    func member(_ subject: CallSubject) throws(LockManagerError) -> MemoryMember {
        guard let member = self.members[subject.host] else {
            throw subject.failure(.lockspaceNotFound)
        }
        switch member.standing {
        case .live: return member
        case .lost: throw subject.failure(.lockLost)
        case .leftBehind, .failing: throw subject.failure(.lockspaceNotFound)
        }
    }

    /// How others see a host.
    func host(_ number: UInt64) -> Host {
        guard let member = self.members[number] else {
            return Host(id: number, state: .live, name: "simulated")
        }
        let state: Host.State =
            switch member.standing {
            case .live, .leftBehind: .live
            case .lost, .failing: .failing
            }
        return Host(
            id: member.hostID, generation: member.generation, state: state, name: "host\(number)")
    }

    func otherHosts(than host: UInt64) -> OtherHosts {
        let count = self.members.keys.count { $0 != host }
        return count == 0 ? .none : .count(count)
    }

    // MARK: Joining and leaving

    mutating func join(
        _ lockspace: Lockspace, adopting: Adoption, _ subject: CallSubject,
        _ context: inout MemoryContext
    ) throws(LockManagerError) -> Membership {
        let number = subject.host
        switch self.members[number]?.standing {
        case .leftBehind where adopting != .none:
            self.members[number]?.standing = .live
            self.members[number]?.id = context.nextMembership()
            return try self.membership(subject)
        case .leftBehind:
            throw subject.failure(
                .lockspaceExists, advice: "an earlier process left it joined; adopt it")
        case .lost:
            throw subject.failure(.lockspaceExists, advice: "it was lost; leave it first")
        case .live:
            throw subject.failure(.lockspaceExists)
        case .failing, nil:
            break
        }
        guard adopting != .required || context.rules.mirrorsTestMode else {
            throw subject.failure(.noOrphan)
        }
        let hostID = lockspace.hostID.map(UInt64.init) ?? number
        let others = self.members.filter { $0.key != number }
        guard others.count < context.rules.capabilities.mostHosts else {
            throw subject.failure(.limitReached)
        }
        guard !others.values.contains(where: { $0.hostID == hostID }) else {
            throw subject.failure(.badHostID, advice: "another host uses number \(hostID)")
        }
        // A new generation ends what is left of an older one.
        self.end(number, &context)
        self.generations[number, default: 0] += 1
        self.members[number] = MemoryMember(
            id: context.nextMembership(), hostID: hostID,
            generation: self.generations[number, default: 0])
        return try self.membership(subject)
    }

    private func membership(_ subject: CallSubject) throws(LockManagerError) -> Membership {
        let member = try self.member(subject)
        return Membership(id: member.id, hostID: member.hostID, generation: member.generation)
    }

    /// Ends a membership and lets go of everything that belongs to it.
    mutating func end(_ host: UInt64, _ context: inout MemoryContext) {
        self.abandonEverything(of: host, &context)
        self.members[host] = nil
        if self.members.isEmpty { self.endSimulation(&context) }
    }

    /// Hosts that do not exist hold nothing in a lockspace that nobody uses.
    private mutating func endSimulation(_ context: inout MemoryContext) {
        for name in self.resources.keys.map(\.self) {
            guard let hold = self.resources[name]?.hold(of: Self.simulatedHost) else { continue }
            self.resources[name]?.holds.remove(at: hold)
            self.settle(name, &context)
        }
    }

    /// The volume group's storage is wiped: nothing of it is remembered.
    mutating func wipe(_ context: inout MemoryContext) {
        self.carriesGlobalLock = false
        self.generations = [:]
        for name in self.resources.keys.map(\.self) {
            self.loseValue(of: name, &context)
        }
    }

    /// True if nothing would be missed without the record.
    var isForgotten: Bool {
        self.members.isEmpty && self.resources.isEmpty && self.generations.isEmpty
            && !self.carriesGlobalLock
    }

    // MARK: Losing

    /// The host loses its membership; others get its holds after a while.
    mutating func lose(
        _ host: UInt64, reason: String, certainFor: Duration, _ context: inout MemoryContext
    ) {
        guard let member = self.members[host], member.standing == .live else { return }
        let event = LockManagerEvent(
            lockspace: self.id, membership: member.id,
            what: .lost(reason: reason, certainFor: certainFor))
        context.notices.append(.event(event, host: host))
        self.setExpiry(of: host, { .lost(holdsUntil: $0) }, after: certainFor, &context)
        self.withdrawWaiters(of: host, .lockLost, &context)
        self.expire(&context)
    }

    /// The host's machine stopped; others get its holds after a while, if that is known.
    mutating func crash(_ host: UInt64, expires: Duration?, _ context: inout MemoryContext) {
        self.withdrawWaiters(of: host, .managerUnavailable, &context)
        switch self.members[host]?.standing {
        case .live, .leftBehind:
            self.setExpiry(of: host, { .failing(until: $0) }, after: expires, &context)
        case .lost(let until):
            self.endLost(host, holdsUntil: until, &context)
        case .failing, nil:
            break
        }
    }

    /// The host's process ended; what it held stays until somebody adopts or purges it.
    mutating func leaveBehind(_ host: UInt64, _ context: inout MemoryContext) {
        self.withdrawWaiters(of: host, .managerUnavailable, &context)
        switch self.members[host]?.standing {
        case .live where context.rules.capabilities.adoption:
            self.members[host]?.standing = .leftBehind
            self.orphanHolds(of: host)
        case .live:
            self.end(host, &context)
        case .lost(let until):
            self.endLost(host, holdsUntil: until, &context)
        case .leftBehind, .failing, nil:
            break
        }
    }

    private mutating func orphanHolds(of host: UInt64) {
        for name in self.touched(by: host) {
            guard let own = self.resources[name]?.hold(of: host),
                self.resources[name]?.holds[own].state == .held
            else { continue }
            self.resources[name]?.holds[own].state = .orphan
        }
    }

    /// Nobody is left to leave a lost membership; it goes when its holds do.
    private mutating func endLost(
        _ host: UInt64, holdsUntil until: Duration?, _ context: inout MemoryContext
    ) {
        guard let until else { return self.end(host, &context) }
        self.members[host]?.standing = .failing(until: until)
    }

    /// Others take it that the host is dead. If it is not, it learns so.
    mutating func declareDead(_ host: UInt64, _ context: inout MemoryContext) {
        switch self.members[host]?.standing {
        case .live:
            self.lose(host, reason: "declared dead", certainFor: .zero, &context)
        case .lost:
            self.abandonEverything(of: host, &context)
            self.members[host]?.standing = .lost(holdsUntil: nil)
        case .leftBehind, .failing:
            self.end(host, &context)
        case nil:
            break
        }
    }

    /// Lets go of what belonged to memberships whose time is over.
    mutating func expire(_ context: inout MemoryContext) {
        guard let nextExpiry = self.nextExpiry else { return }
        let now = context.now()
        guard now >= nextExpiry else { return }
        self.nextExpiry = nil
        for host in self.members.keys.sorted() {
            switch self.members[host]?.standing {
            case .lost(let until?) where until <= now:
                self.abandonEverything(of: host, &context)
                self.members[host]?.standing = .lost(holdsUntil: nil)
            case .failing(let until?) where until <= now:
                self.end(host, &context)
            case .lost(let until?), .failing(let until?):
                self.nextExpiry = min(self.nextExpiry ?? until, until)
            case .live, .leftBehind, .lost(nil), .failing(nil), nil:
                break
            }
        }
    }

    private mutating func setExpiry(
        of host: UInt64, _ standing: (Duration?) -> MemoryMember.Standing, after pause: Duration?,
        _ context: inout MemoryContext
    ) {
        let until = pause.map { context.now() + $0 }
        self.members[host]?.standing = standing(until)
        guard let until, let pause else { return }
        self.nextExpiry = min(self.nextExpiry ?? until, until)
        if pause > .zero && context.rules.capabilities.waitsInQueue {
            context.deadlines.append(until)
        }
    }
}
