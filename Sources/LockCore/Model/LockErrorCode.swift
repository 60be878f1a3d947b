/// Why a request was not granted. Open to further codes: handle the ones you know.
public struct LockErrorCode: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    private enum Code: String, CaseIterable {
        case contended, alreadyHeld, heldInOtherMode, notHeld, cancelled, timedOut
        case lockspaceNotFound, lockspaceExists, lockspaceStarting, lockspaceStopping
        case lockspaceKilled, lockspaceBusy, locksHeld
        case badArguments, badHostID, nameTooLong, nameCollision, limitReached
        case managerUnavailable, managerFailed, noManagerRunning, severalManagersRunning
        case notSupported, invalidRequest, notPermitted
        case storageFailed, deviceUnavailable, ioTimedOut, leaseCorrupt, leaseBeyondStorage
        case leaseExists
        case orphanInTheWay, noOrphan, orphanInOtherMode
        case volumeGroupRemoved, globalLockDisabled, valueBlockUnreadable, lockLost
    }

    private let code: Code

    /// Every code, for tables that have to be complete.
    public static var allCases: [LockErrorCode] { Code.allCases.map(LockErrorCode.init(code:)) }
    /// The code's name.
    public var description: String { self.code.rawValue }

    /// Another holder is in the way.
    public static let contended = LockErrorCode(code: .contended)
    /// The client holds the lock in that mode already.
    public static let alreadyHeld = LockErrorCode(code: .alreadyHeld)
    /// The resource is held in a mode that the request cannot build on.
    public static let heldInOtherMode = LockErrorCode(code: .heldInOtherMode)
    /// There is nothing to unlock or update.
    public static let notHeld = LockErrorCode(code: .notHeld)
    /// The request was withdrawn, or its resource went away while it waited.
    public static let cancelled = LockErrorCode(code: .cancelled)
    /// The request's deadline passed while somebody was in the way.
    public static let timedOut = LockErrorCode(code: .timedOut)
    /// This host is not in that lockspace.
    public static let lockspaceNotFound = LockErrorCode(code: .lockspaceNotFound)
    /// This host is in that lockspace already.
    public static let lockspaceExists = LockErrorCode(code: .lockspaceExists)
    /// The lockspace is being joined; ask again later.
    public static let lockspaceStarting = LockErrorCode(code: .lockspaceStarting)
    /// The lockspace is being left.
    public static let lockspaceStopping = LockErrorCode(code: .lockspaceStopping)
    /// The volume group lost its storage and was killed; only letting go is possible.
    public static let lockspaceKilled = LockErrorCode(code: .lockspaceKilled)
    /// Other hosts, or locks of this one, still use the lockspace.
    public static let lockspaceBusy = LockErrorCode(code: .lockspaceBusy)
    /// Locks of logical volumes are held, and the request needs them released.
    public static let locksHeld = LockErrorCode(code: .locksHeld)
    /// The lock arguments are malformed, or name a device that does not exist.
    public static let badArguments = LockErrorCode(code: .badArguments)
    /// The host number is missing, out of range, or in use elsewhere.
    public static let badHostID = LockErrorCode(code: .badHostID)
    /// A name is longer than the lock manager can keep.
    public static let nameTooLong = LockErrorCode(code: .nameTooLong)
    /// Another volume group has a lockspace of that name.
    public static let nameCollision = LockErrorCode(code: .nameCollision)
    /// One of the service's own limits is reached.
    public static let limitReached = LockErrorCode(code: .limitReached)
    /// The lock manager's service is not running or refuses to talk.
    public static let managerUnavailable = LockErrorCode(code: .managerUnavailable)
    /// The lock manager failed in a way of its own.
    public static let managerFailed = LockErrorCode(code: .managerFailed)
    /// No lock manager runs on this host.
    public static let noManagerRunning = LockErrorCode(code: .noManagerRunning)
    /// Several lock managers run, and the request does not say which is meant.
    public static let severalManagersRunning = LockErrorCode(code: .severalManagersRunning)
    /// This service or its lock manager cannot do that.
    public static let notSupported = LockErrorCode(code: .notSupported)
    /// The request makes no sense.
    public static let invalidRequest = LockErrorCode(code: .invalidRequest)
    /// The request is not allowed here.
    public static let notPermitted = LockErrorCode(code: .notPermitted)
    /// Reading or writing leases failed; it may work later.
    public static let storageFailed = LockErrorCode(code: .storageFailed)
    /// The device that carries the leases cannot be opened.
    public static let deviceUnavailable = LockErrorCode(code: .deviceUnavailable)
    /// Storage did not answer in time.
    public static let ioTimedOut = LockErrorCode(code: .ioTimedOut)
    /// The lease is damaged; repairing it is possible.
    public static let leaseCorrupt = LockErrorCode(code: .leaseCorrupt)
    /// The lease lies past the end of the volume that carries the leases.
    public static let leaseBeyondStorage = LockErrorCode(code: .leaseBeyondStorage)
    /// The logical volume has a lease already.
    public static let leaseExists = LockErrorCode(code: .leaseExists)
    /// An orphan lock of this host is in the way.
    public static let orphanInTheWay = LockErrorCode(code: .orphanInTheWay)
    /// There is no orphan lock to adopt.
    public static let noOrphan = LockErrorCode(code: .noOrphan)
    /// The orphan lock to adopt is held in the other mode.
    public static let orphanInOtherMode = LockErrorCode(code: .orphanInOtherMode)
    /// The lock's value block says that the volume group was removed.
    public static let volumeGroupRemoved = LockErrorCode(code: .volumeGroupRemoved)
    /// The global lock turned out to be disabled in its volume group.
    public static let globalLockDisabled = LockErrorCode(code: .globalLockDisabled)
    /// The value block has a layout that this version does not know.
    public static let valueBlockUnreadable = LockErrorCode(code: .valueBlockUnreadable)
    /// The lock was taken away: the host lost its lockspace.
    public static let lockLost = LockErrorCode(code: .lockLost)
}
