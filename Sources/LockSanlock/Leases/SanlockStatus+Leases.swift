#if Sanlock
import CSanlock
import Glibc
import LockCore

extension SanlockStatus {
    /// The lease was never formatted, or something else wrote over it (`SANLK_LEADER_MAGIC`).
    static let noLease = SanlockStatus(rawValue: SANLK_LEADER_MAGIC)

    /// Reading or writing went past the end of the device.
    var isBeyondDevice: Bool {
        self == .errno(EMSGSIZE) || self == .errno(ENOSPC)
    }

    /// The answer to a request for which leases were read, written or formatted.
    func leaseFailure(_ doing: String) -> LockManagerError {
        if self.isBeyondDevice { return self.error(doing, code: .leaseBeyondStorage) }
        if self == .errno(ENOENT) { return self.error(doing, code: .deviceUnavailable) }
        return self.error(doing)
    }
}
#endif
