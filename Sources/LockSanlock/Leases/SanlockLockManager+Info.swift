#if Sanlock
import LockCore

// What this host keeps of a lockspace on its own disk. Every function does without the file
// where it cannot be read or written: joining then takes longer, and nothing else changes.
extension SanlockLockManager {
    /// This host has joined.
    func keepInfo(
        of lockspace: Lockspace, _ plan: LockspacePlan, _ membership: Membership
    ) async {
        let folder = self.configuration.stateFolder
        let words = lockspace.arguments.split(separator: ":").dropFirst(2)
        let info = InfoFile(
            hostID: membership.hostID, generation: membership.generation, layout: plan.layout,
            noTimeout: words.contains("notimeout"))
        await self.housekeeping.run {
            _ = info.write(folder: folder, volumeGroup: lockspace.volumeGroup)
        }
    }

    /// Was this host the last to join with that number? Then nobody else can still be its
    /// owner.
    func wasLastOwner(_ plan: LockspacePlan) async -> Bool {
        let folder = self.configuration.stateFolder
        let volumeGroup = Self.volumeGroup(of: plan.id)
        let info = await self.housekeeping.run {
            InfoFile.read(folder: folder, volumeGroup: volumeGroup)
        }
        guard let info, let lease = await plan.lease(ofHost: plan.hostID, self.configuration)
        else { return false }
        return info.wasLastOwner(of: plan.hostID, generation: lease.generation)
    }

    /// The volume group's hosts have agreed on something else.
    func updateInfo(of volumeGroup: String, noTimeout: Bool) async {
        let folder = self.configuration.stateFolder
        await self.housekeeping.run {
            guard var info = InfoFile.read(folder: folder, volumeGroup: volumeGroup) else {
                return
            }
            info.noTimeout = noTimeout
            _ = info.write(folder: folder, volumeGroup: volumeGroup)
        }
    }

    /// The volume group was removed.
    func forgetInfo(of lockspace: Lockspace.ID) async {
        let folder = self.configuration.stateFolder
        let volumeGroup = Self.volumeGroup(of: lockspace)
        await self.housekeeping.run {
            InfoFile.remove(folder: folder, volumeGroup: volumeGroup)
        }
    }

    private static func volumeGroup(of lockspace: Lockspace.ID) -> String {
        let prefix = Lockspace.ID(kind: lockspace.kind, volumeGroup: "").name
        return String(lockspace.name.dropFirst(prefix.count))
    }
}
#endif
