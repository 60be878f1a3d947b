/// A lock manager that keeps leases on the volume group's own storage, and so has to be told of
/// volumes that come and go.
public protocol LeaseStore: LockManager {
    /// Finds a free lease for a new logical volume, makes it the volume's own, and returns its
    /// lock arguments.
    func allocateLease(_ request: LogicalVolumeRequest) async throws(LockManagerError) -> String
    /// Gives back the lease of a logical volume that is being removed. Nobody holds it.
    func freeLease(_ resource: Resource) async throws(LockManagerError)
    /// Makes sure that a lease is free before a volume is made. `volumeBytes` is the size of the
    /// volume that carries the leases as the metadata has it; 0 if unknown.
    func findFreeLease(
        in lockspace: Lockspace.ID, volumeBytes: UInt64
    ) async throws(LockManagerError)
    /// Rewrites the leases of a volume group that was renamed; this host is not a member.
    func renameLeases(_ request: VolumeGroupRequest) async throws(LockManagerError)
    /// Does the volume group carry the global lock? This host is a member.
    func carriesGlobalLock(_ lockspace: Lockspace.ID) async throws(LockManagerError) -> Bool
    /// Lets the volume group carry the global lock, or no longer. `exclusively` takes the lock
    /// first, so that it is not taken from a host that holds it.
    func setGlobalLock(
        _ lockspace: Lockspace.ID, enabled: Bool, exclusively: Bool
    ) async throws(LockManagerError)
    /// Can the manager keep these lock arguments?
    func supports(_ request: VolumeGroupRequest) async -> Bool
    /// Rewrites the leases for other lock arguments; this host is not a member.
    func changeArguments(_ request: VolumeGroupRequest) async throws(LockManagerError) -> String
}

/// A lock manager that lets go of a failed host's locks before their time, on the word of somebody
/// who made sure that the host is off.
public protocol HostUndertaker: LockManager {
    /// Declares the host dead, in the generation that it was seen with, in a lockspace that this
    /// host is a member of. What it held can be granted from then on: who says so of a host that
    /// still writes destroys data.
    ///
    /// Throws ``LockErrorCode/invalidRequest`` unless the manager has missed the host itself, and
    /// ``LockErrorCode/notSupported`` where the manager's own service is too old.
    func declareDead(_ host: Host, in lockspace: Lockspace.ID) async throws(LockManagerError)
}

/// A lock manager that can tell other hosts to take up a logical volume's new size.
public protocol VolumeRefresher: LockManager {
    /// Answers when the hosts that use the volume have reloaded it.
    func refresh(path: String) async throws(LockManagerError)
}

/// A lock manager, made for tests, that can act as if another host held a lock.
public protocol RemoteHolderSimulator: LockManager {
    /// Lets another host hold the resource in that mode, whoever held it before; with
    /// ``LockMode/unlocked``, lets nobody hold it.
    func simulateRemoteHolder(_ resource: Resource.ID, _ mode: LockMode) async
}
