#if Sanlock
public import LockCore

// What concerns all leases of a volume group, and the lease of the global lock among them.
extension SanlockLockManager {
    /// Gives the lockspace on the renamed volume group's storage, and every lease in it, the
    /// new name. What the lockspace says of its hosts stays.
    public func renameLeases(_ request: VolumeGroupRequest) async throws(LockManagerError) {
        let name = request.lockspace(self.kind).name
        let doing = "rename the leases of volume group \(request.volumeGroup)"
        try self.checkName(name, doing: doing)
        let arguments = try GroupArguments(request.arguments, doing: doing)
        let path = await self.leaseDevicePath(
            volumeGroup: request.volumeGroup, volume: arguments.volume)
        let calls = self.calls
        try await self.blocking { () throws(LockManagerError) in
            let (volume, traits) = try LeaseVolume.read(
                path, lockspace: "", calls, doing: doing)
            try volume.rename(to: name, traits, doing: doing)
        }
    }

    /// Reads the name of the global lock's lease.
    public func carriesGlobalLock(
        _ lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> Bool {
        let doing = "look for the global lock in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        let volume = LeaseVolume(member.plan, self.calls)
        return try await self.blocking { () throws(LockManagerError) in
            try volume.carriesGlobalLock(doing: doing)
        }
    }

    /// Writes the lease of the global lock anew, under the name that says what it is. An
    /// exclusive change of it disables it, and renames it while this host holds it.
    public func setGlobalLock(
        _ lockspace: Lockspace.ID, enabled: Bool, exclusively: Bool
    ) async throws(LockManagerError) {
        let doing = "\(enabled ? "enable" : "disable") the global lock in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        if exclusively, !enabled { return try await member.disableGlobalLock(doing: doing) }
        let volume = LeaseVolume(member.plan, self.calls)
        try await self.blocking { () throws(LockManagerError) in
            try volume.setGlobalLock(enabled: enabled, doing: doing)
        }
    }

    /// Knows the words that lvmlockd knows, and needs sanlock 4.2 to change anything.
    public func supports(_ request: VolumeGroupRequest) async -> Bool {
        let doing = "judge the lock arguments \(request.wanted)"
        guard !request.wanted.isEmpty else { return false }
        let calls = self.calls
        do {
            let wanted = try WantedTraits(request.wanted, doing: doing)
            return try await self.blocking { () throws(LockManagerError) in
                let features = try Self.features(calls, doing: doing)
                try features.check(wanted, doing: doing)
                return features.knowsNoTimeout
            }
        } catch {
            return false
        }
    }

    /// Records in the lockspace what the hosts are to agree on. All that is not asked for is
    /// no longer so, as with lvmlockd.
    public func changeArguments(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> String {
        let doing = "change the lock arguments of volume group \(request.volumeGroup)"
        let wanted = try WantedTraits(request.wanted, doing: doing)
        var arguments = try GroupArguments(request.arguments, doing: doing)
        arguments.traits = wanted.recorded
        let name = request.lockspace(self.kind).name
        let path = await self.leaseDevicePath(
            volumeGroup: request.volumeGroup, volume: arguments.volume)
        let calls = self.calls
        try await self.blocking { () throws(LockManagerError) in
            let features = try Self.features(calls, doing: doing)
            try features.check(wanted, doing: doing)
            // An older daemon would format the lockspace instead of changing its flags.
            guard features.knowsNoTimeout else { return }
            var (volume, traits) = try LeaseVolume.read(
                path, lockspace: name, calls, doing: doing)
            traits.noTimeout = wanted.contains(.noTimeout)
            try volume.setTraits(traits, doing: doing)
        }
        await self.updateInfo(
            of: request.volumeGroup, noTimeout: wanted.contains(.noTimeout))
        return arguments.description
    }
}
#endif
