public import LockCore

/// A result in the protocol's numbers: 0, or the negative of an errno value or one of lvmlockd's
/// own.
public struct ResultCode: RawRepresentable, Hashable, Sendable {
    /// The number, as `op_result` carries it.
    public let rawValue: Int32

    /// Wraps a number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The number for an error. Every code has one; a code newer than the table is -221, "another
    /// lock-manager error".
    public init(_ code: LockErrorCode) {
        self = Self.table[code] ?? .managerError
    }

    /// Success.
    public static let done = ResultCode(rawValue: 0)
    /// `EINVAL`: the request makes no sense.
    public static let invalid = ResultCode(rawValue: -22)
    /// `ENOSPC`: the state or the log is longer than its receiver can take.
    public static let dumpCut = ResultCode(rawValue: -28)
    /// lvmlockd's `ELMERR`.
    public static let managerError = ResultCode(rawValue: -221)

    /// The one table from the service's errors to the protocol's numbers.
    static let table: [LockErrorCode: ResultCode] = {
        let numbers: [LockErrorCode: Int32] = [
            .contended: -11,  // EAGAIN
            .alreadyHeld: -114,  // EALREADY
            .heldInOtherMode: -17,  // EEXIST
            .notHeld: -2,  // ENOENT
            .cancelled: -125,  // ECANCELED
            .timedOut: -11,  // EAGAIN: to lvm, a lock that somebody else has
            .lockspaceNotFound: -210,  // ENOLS
            .lockspaceExists: -17,  // EEXIST
            .lockspaceStarting: -211,  // ESTARTING
            .lockspaceStopping: -116,  // ESTALE
            .lockspaceKilled: -217,  // EVGKILLED
            .lockspaceBusy: -16,  // EBUSY
            .locksHeld: -39,  // ENOTEMPTY
            .badArguments: -212,  // EARGS
            .badHostID: -213,  // EHOSTID
            .nameTooLong: -22,  // EINVAL
            // Not EEXIST: lvm takes that for "started already", and would go on without its locks.
            .nameCollision: -22,  // EINVAL
            .limitReached: -12,  // ENOMEM, as upstream when it cannot allocate
            .managerUnavailable: -214,  // EMANAGER
            .managerFailed: -221,  // ELMERR
            .noManagerRunning: -37,  // ENOLCK
            .severalManagersRunning: -54,  // EXFULL
            .notSupported: -93,  // EPROTONOSUPPORT
            .invalidRequest: -22,  // EINVAL
            .notPermitted: -1,  // EPERM
            .storageFailed: -218,  // ELOCKIO
            .deviceUnavailable: -220,  // EDEVOPEN
            .ioTimedOut: -225,  // EIOTIMEOUT
            .leaseCorrupt: -226,  // ELOCKREPAIR
            .leaseBeyondStorage: -90,  // EMSGSIZE: lvm extends the volume with the leases
            .leaseExists: -17,  // EEXIST
            .orphanInTheWay: -222,  // EORPHAN
            .noOrphan: -223,  // EADOPT_NONE
            .orphanInOtherMode: -224,  // EADOPT_RETRY
            .volumeGroupRemoved: -219,  // EREMOVED
            .globalLockDisabled: -210,  // ENOLS: no lockspace carries the global lock any more
            .valueBlockUnreadable: -22,  // EINVAL
            .lockLost: -217,  // EVGKILLED
        ]
        return numbers.mapValues(ResultCode.init(rawValue:))
    }()

    /// What the lock manager itself is said to have answered (`lm_result`).
    static func fromManager(_ code: LockErrorCode) -> ResultCode {
        // EUNATCH: only op_result translates it.
        code == .globalLockDisabled ? ResultCode(rawValue: -49) : ResultCode(code)
    }
}

extension ResultCode: CustomStringConvertible {
    /// The number's meaning in a few words, for people.
    public var description: String {
        Self.meanings[self.rawValue] ?? "result \(self.rawValue)"
    }

    private static let meanings: [Int32: String] = [
        0: "done",
        -1: "not permitted",
        -2: "nothing there to unlock or change",
        -11: "held by another host",
        -12: "out of memory, or a limit of the service is reached",
        -16: "in use",
        -17: "exists already, or held in another mode",
        -22: "the request makes no sense",
        -28: "too long to show in full",
        -37: "no lock manager runs on this host",
        -39: "locks of logical volumes are held",
        -49: "the global lock was disabled",
        -54: "several lock managers run on this host",
        -90: "the lease lies beyond the volume that carries the leases",
        -93: "not supported",
        -114: "held by this client already",
        -116: "the lockspace is stopping",
        -125: "cancelled",
        -210: "lockspace not found",
        -211: "the lockspace is starting",
        -212: "bad lock arguments, or the device that carries the leases is missing",
        -213: "bad or missing host number",
        -214: "the lock manager is not running or cannot be used",
        -215: "the lock manager could not prepare",
        -216: "the lock service does not answer",
        -217: "the volume group lost its storage and was killed",
        -218: "I/O error on leases, which may pass",
        -219: "the volume group was removed",
        -220: "the device that carries the leases cannot be opened",
        -221: "the lock manager failed",
        -222: "an orphan lock is in the way",
        -223: "there is no orphan lock to adopt",
        -224: "the orphan lock is held in the other mode",
        -225: "storage did not answer in time",
        -226: "the lease is damaged and can be repaired",
    ]
}
