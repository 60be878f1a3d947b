/// What a lock manager can do. The engine asks for these, never for the manager's name.
public struct LockManagerCapabilities: Hashable, Sendable {
    /// A request can wait in the manager's own queue, which serves requests in the order in which
    /// they came; else it must be asked again.
    public var waitsInQueue: Bool
    /// What a lock carries from one holder to the next.
    public var valueBlock: ValueBlockSupport
    /// Locks that an ended process left behind can be taken over.
    public var adoption: Bool
    /// A contended request learns who is in the way.
    public var ownerInformation: Bool
    /// Exclusive grants come with a growing number.
    public var fencingTokens: Bool
    /// Locks need leases on the volume group's own storage: the manager is a ``LeaseStore``.
    public var leasesOnStorage: Bool
    /// Where the global lock lives.
    public var globalLock: GlobalLockPlacement
    /// Longest name of a lockspace, in bytes.
    public var longestLockspaceName: Int
    /// Longest name of a resource, in bytes.
    public var longestResourceName: Int
    /// Most hosts in one lockspace.
    public var mostHosts: Int

    /// What a lock carries from one holder to the next.
    public enum ValueBlockSupport: Hashable, Sendable {
        /// Nothing.
        case none
        /// A stamp that tells that the data changed, not to which version.
        case changeStamp
        /// So many bytes.
        case bytes(Int)
    }

    /// Where a lock manager keeps the global lock.
    public enum GlobalLockPlacement: Hashable, Sendable {
        /// In a lockspace that exists for it alone and is started on demand.
        case ownLockspace
        /// In the lockspace of a volume group where it was enabled.
        case inVolumeGroup
    }

    /// Says what a lock manager can do.
    public init(
        waitsInQueue: Bool, valueBlock: ValueBlockSupport, adoption: Bool, ownerInformation: Bool,
        fencingTokens: Bool, leasesOnStorage: Bool, globalLock: GlobalLockPlacement,
        longestLockspaceName: Int, longestResourceName: Int, mostHosts: Int
    ) {
        self.waitsInQueue = waitsInQueue
        self.valueBlock = valueBlock
        self.adoption = adoption
        self.ownerInformation = ownerInformation
        self.fencingTokens = fencingTokens
        self.leasesOnStorage = leasesOnStorage
        self.globalLock = globalLock
        self.longestLockspaceName = longestLockspaceName
        self.longestResourceName = longestResourceName
        self.mostHosts = mostHosts
    }
}
