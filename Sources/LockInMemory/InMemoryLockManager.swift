public import LockCore

/// The lock manager of one host of an ``InMemoryCluster``.
///
/// It is the example for other lock managers: what it answers is what the contract of
/// ``LockManager`` demands, whichever capabilities its configuration gives it. It suspends only
/// where an acquire waits in a queue, or where the configuration or a fault demands a pause.
public struct InMemoryLockManager: LockManager {
    let box: ClusterBox
    let rules: InMemoryCluster.Configuration
    let host: UInt64
    let process: Int
    /// Buffered without a limit, but a grant is reported as wanted once, and a membership lost
    /// once.
    public let events: AsyncStream<LockManagerEvent>

    /// As configured, so that every host of the cluster has the same.
    public var kind: LockManagerKind { self.rules.kind }
    /// As configured; everything below does what they say and no more.
    public var capabilities: LockManagerCapabilities { self.rules.capabilities }

    /// What ``InMemoryCluster/setRunning(_:on:)`` set, while this process runs.
    public func isRunning() async -> Bool {
        self.box.withState { state in
            let host = state.host(self.host)
            return host.isUp && host.process == self.process && host.isRunning
        }
    }

    // MARK: Volume groups and lockspaces

    /// Makes arguments of the configured form; nothing is written, there being no storage.
    public func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        let subject = self.subject(.initialise, request.lockspace(self.kind))
        return try await self.perform(subject) { state, _ throws(LockManagerError) in
            try state.initialise(request, subject)
        }
    }

    /// Checks arguments, device and host number, and pauses where the configuration says so.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        let subject = self.subject(.prepare, lockspace.id)
        try self.rules.checkArguments(of: lockspace, subject)
        return try await self.perform(
            subject, pausing: self.rules.prepareDelay
        ) { state, _ throws(LockManagerError) in
            try state.prepare(lockspace, subject)
        }
    }

    /// Takes over a membership left behind, if that may be; else begins a new generation.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        let subject = self.subject(.join, prepared.lockspace.id)
        return try await self.perform(
            subject, pausing: self.rules.joinDelay
        ) { state, _ throws(LockManagerError) in
            try state.join(prepared.lockspace, options, subject)
        }
    }

    /// Lets go of what is still held, and of what an earlier process left behind.
    public func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        let subject = self.subject(.leave, lockspace)
        try await self.perform(subject) { state, _ throws(LockManagerError) in
            try state.leave(lockspace, reason, subject)
        }
    }

    /// Counts every other member, as a host that failed may still hold something.
    public func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        let subject = self.subject(.listHosts, lockspace)
        return try await self.within(lockspace, subject) {
            space, _ throws(LockManagerError) in
            try space.member(subject)
            return space.otherHosts(than: subject.host)
        }
    }

    /// What the other hosts see of this one.
    public func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        let subject = self.subject(.listHosts, lockspace)
        let seesHosts = self.capabilities.ownerInformation
        return try await self.within(lockspace, subject) {
            space, _ throws(LockManagerError) in
            try space.member(subject)
            return seesHosts ? space.host(subject.host) : nil
        }
    }

    /// Sorted by name.
    public func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        let subject = self.subject(.listLockspaces)
        return try await self.perform(subject) { state, _ in
            let left = state.lockspaces.values.filter {
                $0.members[subject.host]?.standing == .leftBehind
            }
            return left.map(\.id).sorted { $0.name < $1.name }
        }
    }

    /// Works also where the membership itself was left behind and not adopted.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        let subject = self.subject(.purge, lockspace)
        try await self.within(lockspace, subject) {
            space, context throws(LockManagerError) in
            guard space.members[subject.host] != nil else {
                throw subject.failure(.lockspaceNotFound)
            }
            space.purgeOrphans(of: subject.host, &context)
        }
    }

    // MARK: Holds

    /// Suspends only in a queue. A task that is cancelled meanwhile gets
    /// ``AcquireOutcome/contended(_:)``.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        let subject = self.subject(.acquire, resource.id)
        try Self.checkMode(mode, subject)
        let attempt = try await self.perform(subject) {
            state, circumstances throws(LockManagerError) in
            try state.acquire(resource.id, mode, options, subject, circumstances)
        }
        switch attempt {
        case .answered(let outcome): return outcome
        case .waiting(let waiter): return try await self.answer(to: waiter).get()
        }
    }

    /// Also withdraws an acquire that a fault holds up.
    public func cancelAcquire(_ resource: Resource.ID) async {
        self.box.withState { state in
            guard state.runs(self.host, process: self.process) else { return }
            state.cancelDelayed(resource, on: self.host)
            state.withLockspace(resource.lockspace) {
                $0.cancelWaiters(of: self.host, for: resource.name, &$1)
            }
        }
    }

    /// Every conversion is a grant of its own, with a token of its own if it leads to exclusive.
    public func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        let subject = self.subject(.convert, resource)
        try Self.checkMode(mode, subject)
        return try await self.perform(subject) { state, circumstances throws(LockManagerError) in
            if let contention = circumstances.contention { return .contended(contention) }
            return try state.withLockspace(resource.lockspace) {
                space, context throws(LockManagerError) in
                try space.convert(resource.name, to: mode, writing: value, subject, &context)
            }
        }
    }

    /// Succeeds also where nothing is held, since a call whose outcome is unknown is released too.
    public func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        let subject = self.subject(.release, resource, writing: value)
        try await self.within(resource.lockspace, subject) {
            space, context throws(LockManagerError) in
            try space.release(resource.name, subject, &context)
        }
    }

    /// Ends the interest that every grant begins.
    public func forget(_ resource: Resource.ID) async {
        self.box.withState { state in
            guard state.runs(self.host, process: self.process) else { return }
            state.withLockspace(resource.lockspace) {
                $0.forget(resource.name, by: self.host, &$1)
            }
        }
    }

    /// In the order of the grants.
    public func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        let subject = self.subject(.listHolders, resource.id)
        let seesHosts = self.capabilities.ownerInformation
        return try await self.within(resource.id.lockspace, subject) {
            space, _ throws(LockManagerError) in
            try space.member(subject)
            guard seesHosts else { return nil }
            return space.resources[resource.id.name]?.holds.map { space.host($0.host) } ?? []
        }
    }
}
