/// The words by which requests name what they ask for.
enum RequestName: String, CaseIterable {
    case hello, quit, info, dump
    case initVG = "init_vg"
    case initLV = "init_lv"
    case freeVG = "free_vg"
    case freeLV = "free_lv"
    case busyVG = "busy_vg"
    case startVG = "start_vg"
    case stopVG = "stop_vg"
    case startWait = "start_wait"
    case vgStatus = "vg_status"
    case stopAll = "stop_all"
    case lockGlobal = "lock_gl"
    case lockVG = "lock_vg"
    case lockLV = "lock_lv"
    case vgUpdate = "vg_update"
    case enableGlobal = "enable_gl"
    case disableGlobal = "disable_gl"
    case renameBefore = "rename_vg_before"
    case renameFinal = "rename_vg_final"
    case runningManager = "running_lm"
    case queryVG = "query_lock_vg"
    case queryLV = "query_lock_lv"
    case setRemoteLV = "set_remote_lv_lock"
    case findFreeLock = "find_free_lock"
    case killVG = "kill_vg"
    case dropVG = "drop_vg"
    case refreshLV = "refresh_lv"
    case setArgumentsBefore = "setlockargs_vg_before"
    case setArgumentsFinal = "setlockargs_vg_final"

    /// What the fields ask for; nil if they do not say, or say something unknown.
    init?(_ fields: borrowing RequestFields) {
        guard let name = fields.word(.request, among: Self.byWord) else { return nil }
        self = name
    }

    private static let byWord = WordTable(Self.allCases.map { ($0.rawValue, $0) })

    var operation: OperationNumber {
        switch self {
        case .hello: .hello
        case .quit: .quit
        case .info: .dumpInfo
        case .dump: .dumpLog
        case .initVG, .initLV: .initialise
        case .freeVG, .freeLV: .free
        case .busyVG: .busy
        case .startVG: .start
        case .stopVG: .stop
        case .startWait: .startWait
        case .vgStatus: .volumeGroupStatus
        case .stopAll: .stopAll
        case .lockGlobal, .lockVG, .lockLV: .lock
        case .vgUpdate: .update
        case .enableGlobal: .enable
        case .disableGlobal: .disable
        case .renameBefore: .renameBefore
        case .renameFinal: .renameFinal
        case .runningManager: .runningManager
        case .queryVG, .queryLV: .queryLock
        case .setRemoteLV: .setRemoteLock
        case .findFreeLock: .findFreeLock
        case .killVG: .kill
        case .dropVG: .drop
        case .refreshLV: .refreshVolume
        case .setArgumentsBefore: .setArgumentsBefore
        case .setArgumentsFinal: .setArgumentsFinal
        }
    }

    /// Is it about one volume group, and so cannot do without its name?
    var needsVolumeGroup: Bool {
        switch self {
        case .hello, .quit, .info, .dump, .startWait, .stopAll, .runningManager: false
        case .lockGlobal, .refreshLV: false
        case .initVG, .initLV, .freeVG, .freeLV, .busyVG, .startVG, .stopVG, .vgStatus: true
        case .lockVG, .lockLV, .vgUpdate, .enableGlobal, .disableGlobal: true
        case .renameBefore, .renameFinal, .queryVG, .queryLV, .setRemoteLV, .findFreeLock: true
        case .killVG, .dropVG, .setArgumentsBefore, .setArgumentsFinal: true
        }
    }
}
