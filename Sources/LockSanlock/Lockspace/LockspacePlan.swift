#if Sanlock
import LockCore

/// A lockspace as a host finds it on storage, before it joins.
struct LockspacePlan: Sendable {
    /// Which lockspace.
    var id: Lockspace.ID
    /// The number to join with.
    var hostID: UInt64
    /// Where its leases begin.
    var place: LeasePlace
    /// Where they lie behind that.
    var layout: LeaseLayout
    /// For calls that belong to no connection.
    var housekeeping: BlockingExecutor

    /// The record to join and to leave with.
    var record: LockspaceRecord {
        LockspaceRecord(
            name: self.id.name, hostID: self.hostID, flags: self.layout.flags,
            place: self.place)
    }

    /// The lease of a resource, at the place that it has in every volume group or that its
    /// arguments say.
    func lease(
        of resource: Resource, _ doing: @autoclosure () -> String
    ) throws(LockManagerError) -> ResourceRecord {
        let offset: UInt64
        switch resource.id.name {
        case .global: offset = self.layout.globalLock
        case .volumeGroup: offset = self.layout.volumeGroupLock
        case .logicalVolume:
            offset = try VolumeArguments(resource.arguments, doing: doing()).offset
        }
        let name = resource.id.name.description
        guard name.utf8.count <= SanlockLockManager.longestName else {
            throw LockManagerError(
                .nameTooLong, doing: doing(),
                advice: "sanlock keeps \(SanlockLockManager.longestName) bytes")
        }
        return ResourceRecord(
            lockspace: self.id.name, name: name,
            place: LeasePlace(path: self.place.path, offset: offset),
            flags: [self.layout.flags, .persistent])
    }
}
#endif
