public import LockCore

/// The numbers that the protocol gives to what can be asked (lvmlockd's `LD_OP_` values).
public enum OperationNumber: Int, Hashable, Sendable, CaseIterable {
    /// Is this lvmlockd, and which version of the protocol?
    case hello = 1
    /// End the service.
    case quit = 2
    /// Make the lock arguments of a new volume group or logical volume.
    case initialise = 3
    /// A volume group or logical volume is being removed.
    case free = 4
    /// Join a volume group's lockspace.
    case start = 5
    /// Leave it.
    case stop = 6
    /// Take, change, or let go of a lock.
    case lock = 7
    /// Announce the version that the volume group's next unlock publishes.
    case update = 8
    /// A client closed its connection. Never sent; appears in upstream's state listing.
    case close = 9
    /// Let a volume group carry the global lock.
    case enable = 10
    /// Let it no longer carry the global lock.
    case disable = 11
    /// Wait until no lockspace is starting.
    case startWait = 12
    /// Leave every lockspace.
    case stopAll = 13
    /// Show the state.
    case dumpInfo = 14
    /// Show the log.
    case dumpLog = 15
    /// Stop a lockspace before its volume group is renamed.
    case renameBefore = 16
    /// The volume group has its new name.
    case renameFinal = 17
    /// Which lock manager runs?
    case runningManager = 18
    /// Is there a free lease?
    case findFreeLock = 19
    /// The volume group's storage is lost.
    case kill = 20
    /// The volume group is not in use any more.
    case drop = 21
    /// Do other hosts use the lockspace?
    case busy = 22
    /// In which mode is a resource held?
    case queryLock = 23
    /// Make other hosts take up a volume's new size.
    case refreshVolume = 24
    /// How does the lock manager see this host?
    case volumeGroupStatus = 25
    /// Fence a host. Never sent; appears in upstream's state listing.
    case fence = 26
    /// What came of fencing. Never sent; appears in upstream's state listing.
    case fenceResult = 27
    /// Stop a lockspace before its lock arguments change.
    case setArgumentsBefore = 28
    /// Change the lock arguments.
    case setArgumentsFinal = 29
    /// Act as if another host held a logical volume's lock.
    case setRemoteLock = 30

    /// The number of an action's operation.
    public init(_ operation: Action.Operation) {
        self =
            switch operation {
            case .lock, .unlock: .lock
            case .update: .update
            case .queryLock: .queryLock
            case .enableGlobalLock: .enable
            case .disableGlobalLock: .disable
            case .start: .start
            case .stop: .stop
            case .startWait: .startWait
            case .stopAll: .stopAll
            case .kill: .kill
            case .drop: .drop
            case .initialiseVolumeGroup, .initialiseLogicalVolume: .initialise
            case .freeVolumeGroup, .freeLogicalVolume: .free
            case .busy: .busy
            case .renameBefore: .renameBefore
            case .renameFinal: .renameFinal
            case .changeArgumentsBefore: .setArgumentsBefore
            case .changeArgumentsFinal: .setArgumentsFinal
            case .findFreeLease: .findFreeLock
            case .runningManager: .runningManager
            case .volumeGroupStatus: .volumeGroupStatus
            case .refreshLogicalVolume: .refreshVolume
            case .simulateRemoteLock: .setRemoteLock
            case .quit: .quit
            }
    }

    /// The word that upstream's state listing uses.
    public var word: String {
        switch self {
        case .hello, .quit: "op_unknown"
        case .initialise: "init"
        case .free: "free"
        case .start: "start"
        case .stop: "stop"
        case .lock: "lock"
        case .update: "update"
        case .close: "close"
        case .enable: "enable"
        case .disable: "disable"
        case .startWait: "start_wait"
        case .stopAll: "stop_all"
        case .dumpInfo: "dump_info"
        case .dumpLog: "dump_log"
        case .renameBefore: "rename_before"
        case .renameFinal: "rename_final"
        case .runningManager: "running_lm"
        case .findFreeLock: "find_free_lock"
        case .kill: "kill_vg"
        case .drop: "drop_vg"
        case .busy: "busy"
        case .queryLock: "query_lock"
        case .refreshVolume: "refresh_lv"
        case .volumeGroupStatus: "vg_status"
        case .fence: "fence"
        case .fenceResult: "fence_result"
        case .setArgumentsBefore: "setlockargs_before"
        case .setArgumentsFinal: "setlockargs_final"
        case .setRemoteLock: "set_remote_lv_lock"
        }
    }
}
