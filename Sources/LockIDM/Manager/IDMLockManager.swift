public import LockCore

/// Locks in the drives themselves: In-Drive Mutexes.
///
/// A lock lives in a mutex on each of its drives, and belongs to the host that has it on more than
/// half of them. The drives of a volume group's locks are its own; those of the global lock carry a
/// partition called `propeller`.
///
/// ```swift
/// let manager = IDMLockManager(through: ManagerAccess())         // the host's IDM lock manager
/// let direct = IDMLockManager(driving: DriveAccess(hostID: 7))   // no daemon
/// ```
///
/// Drives keep no list of the hosts that take part in a lockspace. So each host holds one more
/// mutex per lockspace, shared, that the others can count. Hosts that run lvmlockd do not have it,
/// and are seen only while they hold a lock.
public actor IDMLockManager: LockManager {
    private struct Joined {
        var space: any MutexSpace
        var group: LockID
        var drives: [String]
        var membership: Membership.ID
        /// Nothing is granted any more.
        var isLost = false
        var stamps: [Resource.Name: StampTracker] = [:]
        var modes: [Resource.Name: LockMode] = [:]
    }

    /// `idm`.
    public nonisolated var kind: LockManagerKind { .idm }
    /// What the way to the mutexes allows.
    public nonisolated let capabilities: LockManagerCapabilities
    /// Losses.
    public nonisolated let events: AsyncStream<LockManagerEvent>

    private nonisolated let report: AsyncStream<LockManagerEvent>.Continuation
    private nonisolated let access: any MutexAccess
    private var spaces: [Lockspace.ID: Joined] = [:]
    /// Begins with the time, so that a grant is not taken for one of an earlier process.
    private var lastNumber = hostMicroseconds()

    package init(_ access: any MutexAccess) {
        self.access = access
        self.capabilities = access.capabilities
        (self.events, self.report) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(Limits.eventsKept))
    }

    deinit { self.report.finish() }

    /// Can the mutexes be reached?
    public nonisolated func isRunning() async -> Bool {
        await self.access.isRunning()
    }

    /// Any volume group can have locks in its drives; its metadata needs no arguments.
    public nonisolated func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        VolumeGroupArguments("")
    }

    // MARK: Lockspaces

    /// Finds the drives of the global lock; those of a volume group come with the request.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        let doing = "join \(lockspace.id)"
        guard self.spaces[lockspace.id] == nil else {
            throw LockManagerError(.lockspaceExists, doing: doing)
        }
        var lockspace = lockspace
        if lockspace.isGlobal, lockspace.drives.isEmpty {
            lockspace.drives = self.access.globalDrives
            if lockspace.drives.isEmpty { lockspace.drives = await GlobalDrives.find() }
        }
        _ = try Self.group(of: lockspace, doing)
        guard !lockspace.drives.isEmpty else {
            throw LockManagerError(
                .badArguments, doing: doing,
                advice: lockspace.isGlobal
                    ? "no drive has a partition called propeller; make one, or name the drives"
                    : "the request names no drives")
        }
        guard lockspace.drives.count <= ILMLimits.drives else {
            throw LockManagerError(
                .limitReached, doing: doing,
                advice: "\(lockspace.drives.count) drives; at most \(ILMLimits.drives)")
        }
        return Prepared(lockspace)
    }

    /// Takes the mutex by which other hosts count this one.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        let lockspace = prepared.lockspace
        let doing = "join \(lockspace.id)"
        guard self.spaces[lockspace.id] == nil else {
            throw LockManagerError(.lockspaceExists, doing: doing)
        }
        guard options.adopting != .required || self.capabilities.adoption else {
            throw LockManagerError(
                .noOrphan, doing: doing,
                advice: "the IDM lock manager keeps nothing for a client that has ended")
        }
        let membership = Membership.ID(self.nextNumber())
        let request = SpaceRequest(
            lockspace: lockspace, group: try Self.group(of: lockspace, doing),
            adopting: options.adopting,
            lost: { [weak self] reason, certainFor in
                Task {
                    await self?.lost(lockspace.id, membership, reason, certainFor: certainFor)
                }
            })
        let space = try await self.access.open(request, doing)
        self.spaces[lockspace.id] = Joined(
            space: space, group: request.group, drives: lockspace.drives, membership: membership)
        return Membership(id: membership, hostID: space.hostNumber)
    }

    /// Lets go of whatever is held there, and of the mutex that counts this host.
    public func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        guard let joined = self.spaces.removeValue(forKey: lockspace) else { return }
        try await joined.space.end("leave \(lockspace)")
    }

    /// Counts the hosts whose time has not run out.
    public func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        let doing = "count the hosts of \(lockspace)"
        let count = try await self.usable(lockspace, doing).space.otherMembers(doing)
        return count == 0 ? .none : .count(count)
    }

    /// How the drives know this host, where it drives them itself.
    public func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        let joined = try self.joined(lockspace, "look for this host in \(lockspace)")
        guard joined.space.hostNumber != 0 else { return nil }
        return Host(id: joined.space.hostNumber, state: joined.isLost ? .failing : .live)
    }

    /// Lockspaces that an earlier process left joined; none through the lock manager.
    public nonisolated func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        var left = try await self.access.leftBehind()
        let joined = await self.joinedLockspaces
        left.removeAll { joined.contains($0) }
        return left
    }

    private var joinedLockspaces: Set<Lockspace.ID> { Set(self.spaces.keys) }

    /// Drops the locks that an earlier process left behind.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        let doing = "purge the orphans of \(lockspace)"
        try await self.joined(lockspace, doing).space.purge(doing)
    }

    private func lost(
        _ lockspace: Lockspace.ID, _ membership: Membership.ID, _ reason: String,
        certainFor: Duration
    ) {
        guard self.spaces[lockspace]?.membership == membership,
            self.spaces[lockspace]?.isLost == false
        else { return }
        self.spaces[lockspace]?.isLost = true
        self.report.yield(
            LockManagerEvent(
                lockspace: lockspace, membership: membership,
                what: .lost(reason: reason, certainFor: certainFor)))
    }

    // MARK: Holds

    /// Takes the lock, from hosts whose time has run out if need be. Never waits for another host.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        let doing = Self.words("acquire", resource.id)
        let joined = try self.usable(resource.id.lockspace, doing)
        guard mode == .shared || mode == .exclusive else {
            throw LockManagerError(
                .invalidRequest, doing: doing, advice: "no mutex is held \(mode)")
        }
        guard options.adopting != .required || self.capabilities.adoption else { return .noOrphan }
        let lock = try Self.lock(resource.id.name, in: joined.group, doing)
        let drives = resource.drives.isEmpty ? joined.drives : resource.drives
        let answer = try await joined.space.take(
            lock, mode, drives: drives, adopting: options.adopting, doing)
        return try self.outcome(answer, resource.id, mode, joined.membership, doing) {
            $0.granted($1)
        }
    }

    /// Changes the class of the mutexes. What is published reaches the drives before others share.
    public func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        let doing = Self.words("convert", resource)
        let joined = try self.usable(resource.lockspace, doing)
        let lock = try Self.lock(resource.name, in: joined.group, doing)
        guard let before = joined.modes[resource.name], mode == .shared || mode == .exclusive else {
            throw LockManagerError(.notHeld, doing: doing)
        }
        var stamp: ChangeStamp?
        var tracker = joined.stamps[resource.name] ?? StampTracker()
        // What is not certain becomes so: a sharer could not write it back.
        if before == .exclusive, mode == .shared, value != nil || !tracker.isCertain {
            stamp = tracker.published(nowMicroseconds: hostMicroseconds())
            self.spaces[resource.lockspace]?.stamps[resource.name] = tracker
        }
        let answer = try await joined.space.convert(lock, to: mode, publishing: stamp, doing)
        return try self.outcome(answer, resource, mode, joined.membership, doing) {
            before == .exclusive ? $0.kept : $0.raised($1)
        }
    }

    /// Lets go, held or not.
    public func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        let doing = Self.words("release", resource)
        let joined = try self.joined(resource.lockspace, doing)
        let lock = try Self.lock(resource.name, in: joined.group, doing)
        let mode = joined.modes[resource.name] ?? .unlocked
        var tracker = joined.stamps[resource.name] ?? StampTracker()
        let now = hostMicroseconds()
        let left: StampLeft =
            value != nil && mode == .exclusive
            ? .stamp(tracker.published(nowMicroseconds: now))
            : tracker.left(by: mode, nowMicroseconds: now)
        self.spaces[resource.lockspace]?.modes[resource.name] = nil
        self.spaces[resource.lockspace]?.stamps[resource.name] = tracker
        try await joined.space.release(lock, leaving: left, doing)
    }

    /// The stamp is not remembered any longer.
    public func forget(_ resource: Resource.ID) async {
        guard self.spaces[resource.lockspace]?.modes[resource.name] == nil else { return }
        self.spaces[resource.lockspace]?.stamps[resource.name] = nil
    }

    /// Who holds the lock, where the drives can be asked.
    public func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        let doing = Self.words("list the holders of", resource.id)
        let joined = try self.joined(resource.id.lockspace, doing)
        return try await joined.space.holders(
            of: try Self.lock(resource.id.name, in: joined.group, doing),
            drives: resource.drives.isEmpty ? joined.drives : resource.drives, doing)
    }

    /// What the answer is to the engine. A grant in a membership that is over counts for nothing.
    private func outcome(
        _ answer: MutexAnswer, _ resource: Resource.ID, _ mode: LockMode,
        _ membership: Membership.ID, _ doing: String,
        _ follow: (inout StampTracker, StampReading) -> ValueBlockReading
    ) throws(LockManagerError) -> AcquireOutcome {
        switch answer {
        case .inTheWay(let contention): return .contended(contention)
        case .noOrphan: return .noOrphan
        case .orphanInOtherMode: return .orphanInOtherMode
        case .held(let reading):
            guard self.spaces[resource.lockspace]?.membership == membership,
                self.spaces[resource.lockspace]?.isLost == false
            else { throw LockManagerError(.lockLost, hold: .unknown, doing: doing) }
            var tracker =
                self.spaces[resource.lockspace]?.stamps[resource.name] ?? StampTracker()
            let value = follow(&tracker, reading)
            self.spaces[resource.lockspace]?.stamps[resource.name] = tracker
            self.spaces[resource.lockspace]?.modes[resource.name] = mode
            return .granted(Grant(id: Grant.ID(self.nextNumber()), value: value))
        }
    }

    private static func group(
        of lockspace: Lockspace, _ doing: String
    ) throws(LockManagerError) -> LockID {
        if lockspace.isGlobal { return .global }
        // LVM writes "none" where it knows no UUID.
        guard lockspace.volumeGroupUUID != "none",
            let group = LockID(volumeGroup: lockspace.volumeGroupUUID)
        else {
            throw LockManagerError(
                .badArguments, doing: doing,
                advice: "mutexes are named by the volume group's UUID, of at most 32 bytes "
                    + "without its dashes, not by \"\(lockspace.volumeGroupUUID)\"")
        }
        return group
    }

    private static func lock(
        _ name: Resource.Name, in group: LockID, _ doing: String
    ) throws(LockManagerError) -> LockID {
        switch name {
        case .global, .volumeGroup: return group
        case .logicalVolume(let uuid):
            guard let lock = group.part(uuid) else {
                throw LockManagerError(
                    .nameTooLong, doing: doing,
                    advice: "a mutex's name has room for 32 bytes, or an LVM UUID")
            }
            return lock
        }
    }

    private static func words(_ doing: String, _ resource: Resource.ID) -> String {
        "\(doing) \(resource.name) in \(resource.lockspace)"
    }

    private func joined(
        _ lockspace: Lockspace.ID, _ doing: String
    ) throws(LockManagerError) -> Joined {
        guard let joined = self.spaces[lockspace] else {
            throw LockManagerError(.lockspaceNotFound, doing: doing)
        }
        return joined
    }

    private func usable(
        _ lockspace: Lockspace.ID, _ doing: String
    ) throws(LockManagerError) -> Joined {
        let joined = try self.joined(lockspace, doing)
        guard !joined.isLost else { throw LockManagerError(.lockLost, doing: doing) }
        return joined
    }

    private func nextNumber() -> UInt64 {
        self.lastNumber += 1
        return self.lastNumber
    }
}
