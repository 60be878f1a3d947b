#if Sanlock
import Glibc
public import LockCore

extension SanlockLockManager {
    /// Finds the volume with the leases, how they lie on it, and how often this host joined. Its
    /// own lease is written anew if it is damaged and that is asked for.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        let doing = "prepare \(lockspace.id)"
        let hostID = try self.hostID(of: lockspace, doing)
        let place = try await self.leasePlace(of: lockspace, doing)
        try self.checkKillHelper(doing)
        _ = try await self.daemonVersion(doing)
        let housekeeping = BlockingExecutor(label: "holdfast.sanlock.\(lockspace.id)")
        let survey: LeaseSurvey
        do throws(LockManagerError) {
            survey = try await self.survey(lockspace, hostID, place, housekeeping, doing)
        } catch {
            guard error.code == .leaseCorrupt, options.repairing else { throw error }
            try await self.repairHostLease(lockspace, hostID, place)
            survey = try await self.survey(lockspace, hostID, place, housekeeping, doing)
        }
        try self.check(hostID, against: survey.layout, doing)
        let plan = LockspacePlan(
            id: lockspace.id, hostID: hostID, place: place, layout: survey.layout,
            housekeeping: housekeeping)
        self.lockspaces.remember(plan)
        let lease = await plan.lease(ofHost: hostID, self.configuration)
        return Prepared(
            lockspace, previousGeneration: lease?.generation ?? 0,
            carriesGlobalLock: survey.carriesGlobalLock,
            joinTakesUpTo: lease.map { self.longestJoin(after: $0) })
    }

    /// The daemon does not wait for an owner with its own name, either; that name it keeps to
    /// itself, so this is the longest that the join can take.
    private func longestJoin(after owner: HostLease) -> Duration {
        let timeout =
            owner.ioTimeoutSeconds > 0
            ? owner.ioTimeoutSeconds : UInt64(self.configuration.ioSeconds)
        let times = HostTimes(
            ioTimeoutSeconds: timeout,
            watchdogSeconds: UInt64(self.configuration.watchdogSeconds))
        return .seconds(times.longestJoin(afterOwner: !owner.isFree))
    }

    private func hostID(
        of lockspace: Lockspace, _ doing: String
    ) throws(LockManagerError) -> UInt64 {
        guard let hostID = lockspace.hostID, (1...UInt32(Self.mostHosts)).contains(hostID)
        else {
            throw LockManagerError(
                .badHostID, doing: doing,
                advice: "give every host a number of its own, 1 to \(Self.mostHosts)")
        }
        return UInt64(hostID)
    }

    private func leasePlace(
        of lockspace: Lockspace, _ doing: String
    ) async throws(LockManagerError) -> LeasePlace {
        guard lockspace.id.name.utf8.count <= Self.longestName else {
            throw LockManagerError(
                .nameTooLong, doing: doing, advice: "sanlock keeps \(Self.longestName) bytes")
        }
        let arguments = try GroupArguments(lockspace.arguments, doing: doing)
        let path = await self.leaseDevicePath(
            volumeGroup: lockspace.volumeGroup, volume: arguments.volume)
        // SANLK_PATH_LEN counts the zero behind the path.
        guard path.utf8.count < 1024, access(path, F_OK) == 0 else {
            throw LockManagerError(
                .badArguments, layer: .storage, doing: doing, status: -errno,
                advice: "\(path), which carries the leases, does not exist; activate it")
        }
        return LeasePlace(path: path, offset: 0)
    }

    /// Without its helper, a lockspace that fails takes the process unwarned.
    private func checkKillHelper(_ doing: String) throws(LockManagerError) {
        let path = self.configuration.killHelperPath
        // SANLK_HELPER_PATH_LEN counts the zero behind the path.
        guard path.utf8.count < 128, access(path, X_OK) == 0 else {
            throw LockManagerError(
                .managerUnavailable, doing: doing,
                advice: "sanlock could not run \(path) when the lockspace fails; it must be a "
                    + "program with a path of at most 127 bytes")
        }
    }

    private func survey(
        _ lockspace: Lockspace, _ hostID: UInt64, _ place: LeasePlace,
        _ housekeeping: BlockingExecutor, _ doing: String
    ) async throws(LockManagerError) -> LeaseSurvey {
        let calls = self.calls
        let name = lockspace.id.name
        do throws(SanlockStatus) {
            return try await housekeeping.run { () throws(SanlockStatus) in
                try LeaseSurvey(name, hostID: hostID, place, calls)
            }
        } catch {
            throw error.error(doing)
        }
    }

    /// Formats this host's own lease anew, as the host's own disk remembers it: only this host can
    /// have been its owner.
    private func repairHostLease(
        _ lockspace: Lockspace, _ hostID: UInt64, _ place: LeasePlace
    ) async throws(LockManagerError) {
        let doing = "repair the lease of host \(hostID) in \(lockspace.id)"
        let features = DaemonFeatures(version: try await self.daemonVersion(doing))
        guard let writeHostLease = self.calls.writeHostLease, features.writesHostLeases else {
            throw features.refusal("it needs sanlock 4.1", doing, code: .notSupported)
        }
        let (folder, ioTimeout) =
            (self.configuration.stateFolder, self.configuration.ioTimeoutSeconds)
        try await self.blocking { () throws(LockManagerError) in
            let info = InfoFile.read(folder: folder, volumeGroup: lockspace.volumeGroup)
            guard let info, info.hostID == hostID else {
                let file = InfoFile.path(folder: folder, volumeGroup: lockspace.volumeGroup)
                throw LockManagerError(
                    .leaseCorrupt, layer: .storage, doing: doing,
                    advice: "\(file) does not say what it was; take another host number")
            }
            let compares = info.layout.comparesAndWrites
            let record = LockspaceRecord(
                name: lockspace.id.name, hostID: hostID,
                flags: info.noTimeout ? [info.layout.flags, .noTimeout] : info.layout.flags,
                place: place)
            try LeaseVolume.perform(doing) { () throws(SanlockStatus) in
                try writeHostLease(
                    record, info.generation,
                    compares ? .comparingAndWriting : .notComparingAndWriting, ioTimeout)
            }
        }
    }

    /// On large sectors, a lease has room for fewer hosts.
    private func check(
        _ hostID: UInt64, against layout: LeaseLayout, _ doing: String
    ) throws(LockManagerError) {
        let room = layout.mostHosts
        guard hostID <= room else {
            throw LockManagerError(
                .badHostID, doing: doing,
                advice: "leases of this volume group have room for hosts 1 to \(room)")
        }
    }
}

/// What a lockspace's storage says.
struct LeaseSurvey: Sendable {
    /// How its leases lie.
    var layout: LeaseLayout
    /// The lease of the global lock has the name that says so.
    var carriesGlobalLock: Bool

    /// Looks. Blocks.
    init(
        _ name: String, hostID: UInt64, _ place: LeasePlace, _ calls: SanlockCalls
    ) throws(SanlockStatus) {
        let record = LockspaceRecord(name: name, hostID: hostID, place: place)
        let (lockspace, _) = try calls.readLockspace(record)
        self.layout = try LeaseLayout(lockspace.flags, at: place, calls)
        let lease = ResourceRecord(
            lockspace: name, name: "",
            place: LeasePlace(path: place.path, offset: self.layout.globalLock),
            flags: self.layout.flags)
        self.carriesGlobalLock = try calls.readResource(lease).name == GlobalLockName.enabled
    }
}
#endif
