public import LockCore

/// Calls about leases reach the agent's manager, and fail there if it keeps none.
extension RemoteLockManager: LeaseStore {
    /// Asks the agent.
    public func allocateLease(
        _ request: LogicalVolumeRequest
    ) async throws(LockManagerError) -> String {
        try await self.ask(.allocateLease(request), "allocate a lease in \(request.volumeGroup)")
    }

    /// Asks the agent.
    public func freeLease(_ resource: Resource) async throws(LockManagerError) {
        let _: Done = try await self.ask(.freeLease(resource), "free the lease of", resource.id)
    }

    /// Asks the agent.
    public func findFreeLease(
        in lockspace: Lockspace.ID, volumeBytes: UInt64
    ) async throws(LockManagerError) {
        let _: Done = try await self.ask(
            .findFreeLease(lockspace, volumeBytes), "find a free lease in \(lockspace)")
    }

    /// Asks the agent.
    public func renameLeases(_ request: VolumeGroupRequest) async throws(LockManagerError) {
        let _: Done = try await self.ask(
            .renameLeases(request), "rename the leases of \(request.volumeGroup)")
    }

    /// Asks the agent.
    public func carriesGlobalLock(
        _ lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> Bool {
        try await self.ask(.carriesGlobalLock(lockspace), "find the global lock in \(lockspace)")
    }

    /// Asks the agent.
    public func setGlobalLock(
        _ lockspace: Lockspace.ID, enabled: Bool, exclusively: Bool
    ) async throws(LockManagerError) {
        let _: Done = try await self.ask(
            .setGlobalLock(lockspace, enabled, exclusively), "set the global lock in \(lockspace)")
    }

    /// What the agent's manager says; false if the agent is gone.
    public func supports(_ request: VolumeGroupRequest) async -> Bool {
        // Nothing is supported by a manager that cannot be asked.
        (try? await self.ask(.supports(request), "what is supported?", as: Bool.self)) ?? false
    }

    /// Asks the agent.
    public func changeArguments(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> String {
        try await self.ask(
            .changeArguments(request), "change the arguments of \(request.volumeGroup)")
    }
}

extension RemoteLockManager: VolumeRefresher {
    /// Asks the agent.
    public func refresh(path: String) async throws(LockManagerError) {
        let _: Done = try await self.ask(.refresh(path), "refresh \(path)")
    }
}
