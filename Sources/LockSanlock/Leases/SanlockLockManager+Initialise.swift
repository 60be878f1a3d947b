#if Sanlock
public import LockCore

extension SanlockLockManager {
    /// Formats the leases of a new volume group on the volume that the request names.
    public func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        let doing = "format the leases of volume group \(request.volumeGroup)"
        let wanted = try WantedTraits(request.wanted, doing: doing)
        guard !request.arguments.isEmpty, request.arguments != "none" else {
            throw LockManagerError(
                .badArguments, doing: doing, advice: "name the volume that carries the leases")
        }
        let arguments = GroupArguments(volume: request.arguments, traits: wanted.recorded)
        // No other volume group is in use on this host, or the service would have said so.
        let carries = request.globalLock ?? true
        let name = request.lockspace(self.kind).name
        try self.checkName(name, doing: doing)
        let path = await self.leaseDevicePath(
            volumeGroup: request.volumeGroup, volume: arguments.volume)
        let calls = self.calls
        let ioTimeout = self.configuration.ioTimeoutSeconds
        try await self.blocking { () throws(LockManagerError) in
            let features = try Self.features(calls, doing: doing)
            try features.check(wanted, doing: doing)
            let device = try LeaseDevice(path: path, doing: doing)
            guard
                let layout = LeaseLayout(
                    sectorBytes: device.sectorBytes, wantedMiB: request.leaseMiB)
            else {
                throw LockManagerError(
                    .badArguments, doing: doing,
                    advice: "leases of \(request.leaseMiB) MiB: use 1, 2, 4 or 8")
            }
            var format = LeaseFormat(
                carriesGlobalLock: carries,
                traits: LockspaceTraits(
                    noTimeout: wanted.contains(.noTimeout), ioTimeoutSeconds: ioTimeout))
            if wanted.contains(.compareAndWrite) { format.comparesAndWrites = true }
            if wanted.contains(.noCompareAndWrite) { format.comparesAndWrites = false }
            let volume = LeaseVolume(lockspace: name, path: path, layout: layout, calls: calls)
            try volume.format(format, deviceBytes: device.bytes, doing: doing)
        }
        return VolumeGroupArguments(arguments.description, carriesGlobalLock: carries)
    }

    /// sanlock would cut a longer name without a word, and two volume groups could share one.
    func checkName(_ name: String, doing: String) throws(LockManagerError) {
        guard name.utf8.count <= Self.longestName else {
            throw LockManagerError(
                .nameTooLong, doing: doing,
                advice: "\(name) is longer than \(Self.longestName) bytes, sanlock's limit")
        }
    }

    /// What the daemon on this host can do.
    static func features(
        _ calls: SanlockCalls, doing: String
    ) throws(LockManagerError) -> DaemonFeatures {
        do {
            return DaemonFeatures(version: try calls.version())
        } catch {
            throw error.error(doing, code: .managerUnavailable)
        }
    }

    /// Runs a call that blocks on a thread of its own.
    func blocking<Value: Sendable>(
        _ call: @escaping @Sendable () throws(LockManagerError) -> Value
    ) async throws(LockManagerError) -> Value {
        try await BlockingExecutor(label: "holdfast.sanlock-leases").run(call)
    }
}
#endif
