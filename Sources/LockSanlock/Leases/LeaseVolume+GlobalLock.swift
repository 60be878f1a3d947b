#if Sanlock
import LockCore

// Every volume group has a lease for the global lock; its name says whether it counts.
extension LeaseVolume {
    /// Does the volume group carry the global lock?
    func carriesGlobalLock(doing: String) throws(LockManagerError) -> Bool {
        let lease = try Self.perform(doing) { () throws(SanlockStatus) in
            try self.calls.readResource(self.record("", at: self.layout.globalLock))
        }
        if lease.name == GlobalLockName.enabled { return true }
        if GlobalLockName.isDisabled(lease.name) { return false }
        throw LockManagerError(
            .badArguments, layer: .storage, doing: doing,
            advice: "the lease of the global lock at \(self.path):\(self.layout.globalLock) is "
                + "called \"\(lease.name)\"; was the volume group removed?")
    }

    /// Lets the volume group carry the global lock, or no longer. Whoever holds the lock loses
    /// it without being told.
    func setGlobalLock(enabled: Bool, doing: String) throws(LockManagerError) {
        try Self.perform(doing) { () throws(SanlockStatus) in
            try self.write(GlobalLockName.name(enabled: enabled), at: self.layout.globalLock)
        }
    }
}

extension GlobalLockName {
    /// The name that says whether the volume group carries the global lock.
    static func name(enabled: Bool) -> String { enabled ? Self.enabled : Self.disabled }
}

extension SanlockLockspace {
    /// Acquires the global lock and, in the write that lets it go, gives it the name under
    /// which nobody acquires it.
    func disableGlobalLock(doing: String) async throws(LockManagerError) {
        let lock = Resource.ID(lockspace: self.id, name: .global)
        try self.state.with { state throws(LockManagerError) in
            try state.checkMember(doing)
            guard state.holds[.global] == nil else {
                throw LockManagerError(
                    .contended, doing: doing, advice: "this host holds the global lock")
            }
        }
        let record = try self.plan.lease(of: Resource(lock), doing)
        do throws(SanlockStatus) {
            try await self.callWithoutHold(.global) { connection async throws(SanlockStatus) in
                try await connection.rename(record, to: GlobalLockName.disabled)
            }
        } catch  where error.isContention {
            throw error.error(
                doing, code: .contended, advice: "another host holds the global lock")
        } catch {
            throw error.leaseFailure(doing)
        }
    }
}
#endif
