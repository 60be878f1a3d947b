public import LockCore

extension InMemoryCluster.Configuration {
    /// A lock manager that can do everything: it queues, keeps a value block, counts tokens, knows
    /// owners, and can be taken over after a restart.
    public static let native = Self(
        kind: .memory,
        capabilities: LockManagerCapabilities(
            waitsInQueue: true, valueBlock: .bytes(32), adoption: true, ownerInformation: true,
            fencingTokens: true, leasesOnStorage: false, globalLock: .ownLockspace,
            longestLockspaceName: Limits.nameBytes, longestResourceName: Limits.nameBytes,
            mostHosts: 2000))

    /// A cluster that can do what the lock manager of that kind can, and no more: `dlm`, `sanlock`
    /// or `idm`. Nil for a word that LVM does not know.
    public static func presenting(_ kind: LockManagerKind) -> Self? {
        switch kind.rawValue {
        case "dlm": .likeDLM(kind)
        case "sanlock": .likeSanlock(kind)
        case "idm": .likeIDM(kind)
        default: nil
        }
    }

    /// A cluster of one host that answers as `lvmlockd --test` does for that kind: `dlm`, `sanlock`
    /// or `idm`. Nil for a word that LVM does not know.
    ///
    /// Nothing queues, so that every reply is immediate, and nobody learns who is in the way. With
    /// sanlock, starting a volume group takes 3 s, needs a host number, and needs the volume with
    /// the leases as a device that `leaseDeviceExists` finds.
    public static func testMode(
        _ kind: LockManagerKind, leaseDeviceExists: @escaping @Sendable (_ path: String) -> Bool
    ) -> Self? {
        guard var mode = Self.presenting(kind) else { return nil }
        mode.mirrorsTestMode = true
        mode.countsGenerations = false
        mode.capabilities.waitsInQueue = false
        mode.capabilities.ownerInformation = false
        mode.valueBlockLifetime = .whileWanted
        switch mode.arguments {
        case .none:
            // lvmlockd's test mode for idm reads back the whole block, not the drives' stamp.
            mode.capabilities.valueBlock = .bytes(8)
        case .cluster:
            mode.arguments = .cluster("test")
        case .leaseVolume:
            // lvmlockd is built without value blocks for sanlock (`LVMLOCKD_USE_SANLOCK_LVB`).
            mode.capabilities.valueBlock = .none
            mode.requiresHostID = true
            mode.prepareDelay = .seconds(1)
            mode.joinDelay = .seconds(2)
            mode.leaseDeviceExists = leaseDeviceExists
        }
        return mode
    }

    private static func likeDLM(_ kind: LockManagerKind) -> Self {
        var dlm = Self(
            kind: kind,
            capabilities: LockManagerCapabilities(
                waitsInQueue: true, valueBlock: .bytes(32), adoption: true,
                ownerInformation: false, fencingTokens: false, leasesOnStorage: false,
                globalLock: .ownLockspace, longestLockspaceName: 64, longestResourceName: 64,
                mostHosts: 128))
        dlm.valueBlockLifetime = .whileWanted
        dlm.countsGenerations = false
        dlm.arguments = .cluster("holdfast")
        return dlm
    }

    private static func likeSanlock(_ kind: LockManagerKind) -> Self {
        var sanlock = Self(
            kind: kind,
            capabilities: LockManagerCapabilities(
                waitsInQueue: false, valueBlock: .bytes(512), adoption: true,
                ownerInformation: true, fencingTokens: true, leasesOnStorage: true,
                globalLock: .inVolumeGroup, longestLockspaceName: 48, longestResourceName: 48,
                mostHosts: 2000))
        sanlock.arguments = .leaseVolume
        sanlock.refreshesVolumes = false
        return sanlock
    }

    private static func likeIDM(_ kind: LockManagerKind) -> Self {
        var idm = Self(
            kind: kind,
            capabilities: LockManagerCapabilities(
                waitsInQueue: false, valueBlock: .changeStamp, adoption: false,
                ownerInformation: false, fencingTokens: false, leasesOnStorage: false,
                globalLock: .ownLockspace, longestLockspaceName: 64, longestResourceName: 64,
                mostHosts: 128))
        idm.countsGenerations = false
        idm.refreshesVolumes = false
        return idm
    }
}
