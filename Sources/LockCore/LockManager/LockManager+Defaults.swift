// What follows from a capability that a lock manager does not have.
extension LockManager {
    /// Nothing waits in a manager without a queue.
    public func cancelAcquire(_ resource: Resource.ID) async {}

    /// There is nothing to forget where value blocks do not depend on anyone's interest.
    public func forget(_ resource: Resource.ID) async {}

    /// The manager does not watch hosts.
    public func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        nil
    }

    /// The manager cannot tell who holds a lock.
    public func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        nil
    }

    /// Nothing outlives a process where there is no adoption.
    public func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        []
    }

    /// Nothing outlives a process where there is no adoption.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {}
}
