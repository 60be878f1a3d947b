import LockCore

/// The modes of the kernel's locks that this manager uses.
enum DLMMode: UInt32, Hashable, Sendable {
    /// Interest without a hold: in nobody's way, and the value block lives (`LKM_NLMODE`).
    case null = 0
    /// Protected read (`LKM_PRMODE`).
    case shared = 3
    /// Exclusive (`LKM_EXMODE`).
    case exclusive = 5

    /// The kernel's mode for a hold.
    init(_ mode: LockMode) {
        self =
            switch mode {
            case .unlocked: .null
            case .shared: .shared
            case .exclusive: .exclusive
            default: .null
            }
    }
}

/// What the kernel is asked to do with one lock. It answers each in its own time, and is asked for
/// nothing else of that lock before it has.
enum DLMOperation: Hashable, Sendable {
    /// Make a new lock, in null mode: granted whoever holds or waits.
    case request
    /// Move the lock to another mode.
    case convert(DLMConversion)
    /// End the lock.
    case unlock
    /// Take over a lock in that mode which an ended process of this machine left behind. The
    /// kernel answers at once.
    case adopt(DLMMode)
}

/// A change of mode.
struct DLMConversion: Hashable, Sendable {
    /// The mode the lock has.
    var from: DLMMode
    /// The mode it is to have.
    var to: DLMMode
    /// Queue behind those who came before; else be refused if it cannot be granted at once.
    var waits = false
    /// The value block to publish; only from exclusive.
    var writing: ValueBlock?
    /// Changes nothing. It tells that the change before has reached every other host, for the
    /// kernel concludes a step down before the node that masters the resource has heard of it; and
    /// of a lock that was taken over, the kernel tells its new owner who waits for it.
    var confirms = false

    /// The kernel hands out its value block with every step up.
    var reads: Bool { self.from != .exclusive && self.to != .null }

    /// The request has to do with the value block, whether or not anything is read or written.
    ///
    /// When the node that masters a resource dies, the kernel goes by the locks that are left. It
    /// says that the content was lost if one of them carried the block with its last request; if
    /// none did, the content is zero, as if it had never been written. From exclusive the kernel
    /// would publish what it is given.
    var carriesValue: Bool { self.from != .exclusive || self.writing != nil }
}

/// How the kernel concluded an operation.
struct DLMCompletion: Hashable, Sendable {
    /// Zero, or what went wrong.
    var status: DLMStatus
    /// What the kernel's value block says, where the conversion ``DLMConversion/reads`` it; nil if
    /// its content was lost with its last writer.
    var value: ValueBlock?

    init(_ status: DLMStatus, value: ValueBlock? = nil) {
        self.status = status
        self.value = value
    }
}

/// A number by which libdlm or the kernel tells how something went; zero when it went well.
struct DLMStatus: Hashable, Sendable, RawRepresentable {
    let rawValue: Int32

    init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// All went well.
    static let success = DLMStatus(rawValue: 0)
    /// There is no such lock, lockspace or device (`ENOENT`).
    static let notFound = DLMStatus(rawValue: 2)
    /// Somebody is in the way (`EAGAIN`).
    static let again = DLMStatus(rawValue: 11)
    /// The caller may not (`EACCES`).
    static let notAllowed = DLMStatus(rawValue: 13)
    /// The lock is still occupied with an earlier request (`EBUSY`).
    static let busy = DLMStatus(rawValue: 16)
    /// It exists already (`EEXIST`).
    static let exists = DLMStatus(rawValue: 17)
    /// The device that a lockspace's name stands for is not there (`ENODEV`).
    static let noDevice = DLMStatus(rawValue: 19)
    /// The caller may not (`EPERM`).
    static let notPermitted = DLMStatus(rawValue: 1)
    /// Withdrawn, as `dlm_ls_deadlock_cancel` tells it (`EDEADLK`).
    static let withdrawn = DLMStatus(rawValue: 35)
    /// dlm_controld does not run (`EUNATCH`).
    static let noDaemon = DLMStatus(rawValue: 49)
    /// Withdrawn (`ECANCEL`).
    static let cancelled = DLMStatus(rawValue: 0x10001)
    /// The lock has ended, as it should (`EUNLOCK`).
    static let unlocked = DLMStatus(rawValue: 0x10002)
}
