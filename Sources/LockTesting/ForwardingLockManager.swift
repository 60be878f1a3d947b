package import LockCore

/// A lock manager that hands on to another what it does not do itself: to watch calls, or to
/// falsify some.
package protocol ForwardingLockManager: LockManager {
    associatedtype Base: LockManager

    /// Who does what this one hands on.
    var base: Base { get }
}

extension ForwardingLockManager {
    package var kind: LockManagerKind { self.base.kind }
    package var capabilities: LockManagerCapabilities { self.base.capabilities }
    package var events: AsyncStream<LockManagerEvent> { self.base.events }

    package func isRunning() async -> Bool { await self.base.isRunning() }

    // MARK: Lockspaces

    package func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        try await self.base.initialise(request)
    }

    package func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        try await self.base.prepare(lockspace, options)
    }

    package func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        try await self.base.join(prepared, options)
    }

    package func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        try await self.base.leave(lockspace, reason)
    }

    package func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        try await self.base.otherHosts(in: lockspace)
    }

    package func localHost(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> Host? {
        try await self.base.localHost(in: lockspace)
    }

    package func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        try await self.base.leftBehind()
    }

    // MARK: Holds

    package func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.base.acquire(resource, mode, options)
    }

    package func cancelAcquire(_ resource: Resource.ID) async {
        await self.base.cancelAcquire(resource)
    }

    package func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.base.convert(resource, to: mode, writing: value)
    }

    package func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        try await self.base.release(resource, writing: value)
    }

    package func forget(_ resource: Resource.ID) async { await self.base.forget(resource) }

    package func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        try await self.base.holders(of: resource)
    }

    package func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        try await self.base.purgeOrphans(in: lockspace)
    }
}
