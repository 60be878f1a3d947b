/// A client's request, whoever asks: lvm over a socket, or a caller in the same process.
public struct Action: Hashable, Sendable {
    /// What is asked.
    public var operation: Operation
    /// The volume group it is about; empty if none.
    public var volumeGroup: String
    /// The lock manager that the client named; nil if it left that to the service.
    public var kind: LockManagerKind?
    /// How it is to be done.
    public var options: Options

    /// Describes a request.
    public init(
        _ operation: Operation, volumeGroup: String = "", kind: LockManagerKind? = nil,
        options: Options = []
    ) {
        self.operation = operation
        self.volumeGroup = volumeGroup
        self.kind = kind
        self.options = options
    }

    /// What can be asked.
    ///
    /// What belongs to it stands in a box, as an action passes through many hands.
    public indirect enum Operation: Hashable, Sendable {
        /// Take a lock, or change the mode of the one held.
        case lock(Target, LockMode, Waiting)
        /// Let go of a lock.
        case unlock(Target)
        /// Announce the version that the volume group's next unlock will publish.
        case update(version: UInt32)
        /// Report the mode in which this host holds a resource.
        case queryLock(Target)
        /// Let the volume group carry the global lock.
        case enableGlobalLock
        /// Let the volume group no longer carry the global lock.
        case disableGlobalLock

        /// Join the volume group's lockspace.
        case start(Lockspace)
        /// Leave the volume group's lockspace.
        case stop
        /// Answer when no lockspace is starting.
        case startWait
        /// Leave every lockspace that holds no locks.
        case stopAll
        /// The storage is lost: refuse everything but letting go.
        case kill
        /// The volume group is no longer in use anywhere on this host: let go of everything.
        case drop

        /// Make the lock arguments, and leases, of a new volume group.
        case initialiseVolumeGroup(VolumeGroupRequest)
        /// Make the lock arguments, and a lease, of a new logical volume.
        case initialiseLogicalVolume(LogicalVolumeRequest)
        /// The volume group is being removed.
        case freeVolumeGroup
        /// The logical volume is being removed.
        case freeLogicalVolume(LogicalVolume)
        /// Do other hosts use the lockspace?
        case busy
        /// Stop the volume group's lockspace before it is renamed.
        case renameBefore
        /// The volume group has its new name.
        case renameFinal(VolumeGroupRequest)
        /// Stop the lockspace before its lock arguments change.
        case changeArgumentsBefore(VolumeGroupRequest)
        /// Change the lock arguments.
        case changeArgumentsFinal(VolumeGroupRequest)
        /// Is there a free lease in the volume of so many bytes that carries the leases?
        case findFreeLease(volumeBytes: UInt64)
        /// Which lock manager runs on this host?
        case runningManager
        /// How the lock manager sees this host in the volume group.
        case volumeGroupStatus
        /// Let the other hosts that use the logical volume take up its new size.
        case refreshLogicalVolume(path: String)
        /// Act as if another host held the lock; only lock managers made for tests can.
        case simulateRemoteLock(uuid: String, LockMode)
        /// End the service, if nothing is in use.
        case quit
    }

    /// Which resource a request is about.
    public enum Target: Hashable, Sendable {
        /// The global lock.
        case global
        /// The volume group's lock.
        case volumeGroup
        /// A logical volume's lock.
        case logicalVolume(LogicalVolume)

        /// The resource's name within its lockspace.
        public var name: Resource.Name {
            switch self {
            case .global: .global
            case .volumeGroup: .volumeGroup
            case .logicalVolume(let volume): .logicalVolume(volume.uuid)
            }
        }
    }

    /// How a request is to be done.
    public struct Options: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt16

        /// Wraps the bits.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// The lock belongs to nobody and outlives its client.
        public static let persistent = Options(rawValue: 1 << 0)
        /// If there is nothing to unlock, withdraw the request that waits for the lock.
        public static let unlockCancel = Options(rawValue: 1 << 1)
        /// The version to announce is the next one, whatever it is.
        public static let nextVersion = Options(rawValue: 1 << 2)
        /// Answer only when all is done.
        public static let wait = Options(rawValue: 1 << 3)
        /// Stop lockspaces although logical volumes' locks are held.
        public static let force = Options(rawValue: 1 << 4)
        /// Take the global lock before disabling it.
        public static let exclusively = Options(rawValue: 1 << 5)
        /// The new volume group carries the global lock.
        public static let enable = Options(rawValue: 1 << 6)
        /// The new volume group does not carry the global lock.
        public static let disable = Options(rawValue: 1 << 7)
        /// Do not wait for a previous owner of the host number.
        public static let noDelay = Options(rawValue: 1 << 8)
        /// Repair a damaged lease.
        public static let repair = Options(rawValue: 1 << 9)
        /// Take over what an earlier process left behind, if there is anything.
        public static let adopt = Options(rawValue: 1 << 10)
        /// Take over what an earlier process left behind, or fail.
        public static let adoptOnly = Options(rawValue: 1 << 11)
    }

    /// What the options say about adoption.
    public var adoption: Adoption {
        if self.options.contains(.adoptOnly) { return .required }
        return self.options.contains(.adopt) ? .allowed : .none
    }
}

/// A logical volume, as requests name it.
public struct LogicalVolume: Hashable, Sendable {
    /// Its UUID, which is the resource's name.
    public var uuid: String
    /// Its name, for messages only.
    public var name: String
    /// Its lock arguments; empty where it has none.
    public var arguments: String
    /// Paths of the drives that carry its lock, for managers that keep locks in drives.
    public var drives: [String]

    /// Describes a logical volume.
    public init(uuid: String, name: String = "", arguments: String = "", drives: [String] = []) {
        self.uuid = uuid
        self.name = name
        self.arguments = arguments
        self.drives = drives
    }
}

/// A volume group whose lock arguments are made or changed.
public struct VolumeGroupRequest: Hashable, Sendable {
    /// The volume group's name.
    public var volumeGroup: String
    /// What it has so far: its lock arguments, or the volume that will carry its leases.
    public var arguments: String
    /// Further arguments that the administrator asked for (`--setlockargs`).
    public var wanted: String
    /// Size of a lease in MiB; 0 for the manager's choice.
    public var leaseMiB: Int
    /// Whether the volume group is to carry the global lock; nil for the manager's choice.
    public var globalLock: Bool?

    /// Describes a volume group.
    public init(
        volumeGroup: String, arguments: String = "", wanted: String = "", leaseMiB: Int = 0,
        globalLock: Bool? = nil
    ) {
        self.volumeGroup = volumeGroup
        self.arguments = arguments
        self.wanted = wanted
        self.leaseMiB = leaseMiB
        self.globalLock = globalLock
    }

    /// The lockspace that belongs to the volume group.
    public func lockspace(_ kind: LockManagerKind) -> Lockspace.ID {
        Lockspace.ID(kind: kind, volumeGroup: self.volumeGroup)
    }
}

/// A logical volume whose lock arguments are made.
public struct LogicalVolumeRequest: Hashable, Sendable {
    /// The volume group's name.
    public var volumeGroup: String
    /// The volume group's lock arguments.
    public var groupArguments: String
    /// The new logical volume.
    public var volume: LogicalVolume
    /// The arguments of a lease made earlier, after which to look for a free one; else empty.
    public var previousArguments: String
    /// The size of the volume that carries the leases, in bytes; 0 if unknown.
    public var volumeBytes: UInt64

    /// Describes a logical volume.
    public init(
        volumeGroup: String, groupArguments: String, volume: LogicalVolume,
        previousArguments: String = "", volumeBytes: UInt64 = 0
    ) {
        self.volumeGroup = volumeGroup
        self.groupArguments = groupArguments
        self.volume = volume
        self.previousArguments = previousArguments
        self.volumeBytes = volumeBytes
    }
}
