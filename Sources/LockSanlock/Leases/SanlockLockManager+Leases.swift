#if Sanlock
public import LockCore

// The leases of logical volumes come and go.
extension SanlockLockManager: LeaseStore {
    /// Formats the first lease that no volume uses. In a lockspace that this host has not
    /// joined, the search begins after the lease that was made before.
    public func allocateLease(
        _ request: LogicalVolumeRequest
    ) async throws(LockManagerError) -> String {
        let lockspace = Lockspace.ID(kind: self.kind, volumeGroup: request.volumeGroup)
        let uuid = request.volume.uuid
        let doing = "make a lease for \(uuid) in \(lockspace)"
        try self.checkName(uuid, doing: doing)
        let (search, start) = try await self.search(for: request, lockspace, doing: doing)
        guard let offset = try await search.firstFree(from: start, absent: uuid) else {
            throw Self.noneFree(search)
        }
        let volume = search.volume
        try await self.blocking { () throws(LockManagerError) in
            try LeaseVolume.perform("\(doing) at \(volume.path):\(offset)") {
                () throws(SanlockStatus) in try volume.write(uuid, at: offset)
            }
        }
        await self.searches.ended(in: lockspace, at: offset + volume.layout.alignBytes)
        return VolumeArguments(offset: offset).description
    }

    /// Makes the lease an unused one. A place that has become another volume's is left alone.
    public func freeLease(_ resource: Resource) async throws(LockManagerError) {
        let doing = "give up the lease of \(resource.id.name) in \(resource.id.lockspace)"
        let member = try self.lockspaces.member(resource.id.lockspace, doing)
        let volume = LeaseVolume(member.plan, self.calls)
        let offset = try VolumeArguments(resource.arguments, doing: doing).offset
        guard volume.layout.isVolumeOffset(offset) else {
            throw LockManagerError(
                .badArguments, doing: doing,
                advice: "no volume's lease begins at \(offset) in \(volume.path)")
        }
        try await self.blocking { () throws(LockManagerError) in
            let place = "\(doing) at \(volume.path):\(offset)"
            let owner = try LeaseVolume.perform(place) { () throws(SanlockStatus) -> String in
                do throws(SanlockStatus) {
                    guard case .lease(let name) = try volume.content(at: offset) else {
                        return LeaseName.unused
                    }
                    return name
                } catch  where error.isCorruption {
                    return resource.id.name.description
                }
            }
            if owner == LeaseName.unused { return }
            guard owner == resource.id.name.description else {
                throw LockManagerError(
                    .badArguments, doing: place, advice: "the lease there is that of \(owner)")
            }
            try LeaseVolume.perform(place) { () throws(SanlockStatus) in
                try volume.write(LeaseName.unused, at: offset)
            }
        }
    }

    /// Looks for a free lease within the first so many bytes of the volume with the leases, as
    /// long as its metadata says that it is; all of the device if 0.
    public func findFreeLease(
        in lockspace: Lockspace.ID, volumeBytes: UInt64
    ) async throws(LockManagerError) {
        let doing = "find a free lease in \(lockspace)"
        let member = try self.lockspaces.member(lockspace, doing)
        let (search, start) = try await self.search(member, volumeBytes, doing: doing)
        let found = try await search.firstFree(from: start)
        // If the volume is full, it will be extended, and be free from its present end on.
        await self.searches.ended(
            in: lockspace, at: found ?? search.volume.layout.end(in: search.end))
        if found == nil { throw Self.noneFree(search) }
    }

    /// A search where the last one in this lockspace ended.
    private func search(
        _ member: SanlockLockspace, _ volumeBytes: UInt64, doing: String
    ) async throws(LockManagerError) -> (search: LeaseSearch, start: UInt64) {
        let volume = LeaseVolume(member.plan, self.calls)
        let end = volumeBytes > 0 ? volumeBytes : try await self.deviceBytes(volume, doing)
        let (scan, start) = await self.searches.begin(in: member.id, member.membership.id)
        let search = LeaseSearch(
            volume: volume, scan: scan, end: end, seconds: self.configuration.ioSeconds,
            doing: doing)
        return (search, start ?? volume.layout.firstVolume)
    }

    private func search(
        for request: LogicalVolumeRequest, _ lockspace: Lockspace.ID, doing: String
    ) async throws(LockManagerError) -> (search: LeaseSearch, start: UInt64) {
        if let member = self.lockspaces.joined(lockspace) {
            return try await self.search(member, 0, doing: doing)
        }
        let arguments = try GroupArguments(request.groupArguments, doing: doing)
        let previous = request.previousArguments
        let made =
            previous.isEmpty || previous == "none"
            ? nil : try VolumeArguments(previous, doing: doing)
        let path = await self.leaseDevicePath(
            volumeGroup: request.volumeGroup, volume: arguments.volume)
        let calls = self.calls
        let volume = try await self.blocking { () throws(LockManagerError) in
            try LeaseVolume.read(path, lockspace: lockspace.name, calls, doing: doing).volume
        }
        let search = LeaseSearch(
            volume: volume, scan: LeaseScan(), end: try await self.deviceBytes(volume, doing),
            seconds: self.configuration.ioSeconds, doing: doing)
        let next = made.map { $0.offset + volume.layout.alignBytes }
        return (search, next ?? volume.layout.firstVolume)
    }

    private func deviceBytes(
        _ volume: LeaseVolume, _ doing: String
    ) async throws(LockManagerError) -> UInt64 {
        try await self.blocking { () throws(LockManagerError) in
            try LeaseDevice(path: volume.path, doing: doing).bytes
        }
    }

    private static func noneFree(_ search: LeaseSearch) -> LockManagerError {
        LockManagerError(
            .leaseBeyondStorage, layer: .storage, doing: search.doing,
            advice: "all leases in the \(search.end >> 20) MiB of \(search.volume.path) are in "
                + "use; extend that volume")
    }
}
#endif
