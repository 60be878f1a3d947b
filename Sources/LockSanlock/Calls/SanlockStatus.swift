#if Sanlock
import CSanlock
import Glibc
import LockCore

/// A negative result of libsanlock: one of sanlock's own (`SANLK_`, -200 and below) or the
/// negative of an errno value.
package struct SanlockStatus: RawRepresentable, Hashable, Error {
    /// As the library returned it.
    package let rawValue: Int32

    /// Wraps a result.
    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The status that stands for an errno value.
    package static func errno(_ value: Int32) -> SanlockStatus { SanlockStatus(rawValue: -value) }

    /// The library's own -1: the daemon closed the socket in the middle of a call, or, from a
    /// release, nothing of that name is held on the socket.
    static let minusOne = SanlockStatus(rawValue: -1)

    /// The daemon could not be asked, or went away before it answered.
    var isFromAbsentDaemon: Bool {
        [.minusOne, .errno(ECONNREFUSED), .errno(ECONNRESET), .errno(EPIPE), .errno(ENOTCONN)]
            .contains(self)
    }

    /// Somebody else holds the lease, or competes for it. (A request that meets the end of a
    /// shared grant on another host gets the same answers.)
    var isContention: Bool { Self.contention.contains(self) }

    /// The lease on storage makes no sense; writing it anew may help.
    var isCorruption: Bool { Self.corruption.contains(self) }

    private static let contention: Set<SanlockStatus> = Set(
        [
            SANLK_ACQUIRE_IDLIVE, SANLK_ACQUIRE_OWNED, SANLK_ACQUIRE_OTHER,
            SANLK_ACQUIRE_SHRETRY, SANLK_ACQUIRE_OWNED_RETRY,
            // Newer than the header: the owner's lease never times out, compare-and-write lost.
            -249, -285,
            // A shared lease in the way; one that is being released or acquired on this host.
            -EAGAIN, -EBUSY,
        ].map(SanlockStatus.init(rawValue:)))

    private static let corruption: Set<SanlockStatus> = Set(
        [
            SANLK_LEADER_MAGIC, SANLK_LEADER_VERSION, SANLK_LEADER_DIFF,
            SANLK_LEADER_LOCKSPACE, SANLK_LEADER_RESOURCE, SANLK_LEADER_CHECKSUM,
            SANLK_DBLOCK_CHECKSUM,
            // What sanlock 5 says of a lease that was written over, and earlier ones do not.
            SANLK_LEADER_SECTORSIZE,
            // Newer than the header: written for compare-and-write, or not for it.
            -281,
        ].map(SanlockStatus.init(rawValue:)))
}

extension SanlockStatus {
    /// What the status means to a caller, where the call at hand gives it no other meaning.
    var meaning: (code: LockErrorCode, layer: LockManagerError.Layer) {
        if self.isFromAbsentDaemon { return (.managerUnavailable, .daemon) }
        if self.isCorruption { return (.leaseCorrupt, .storage) }
        return Self.meanings[self.rawValue] ?? (.managerFailed, .manager)
    }

    private static let meanings: [Int32: (LockErrorCode, LockManagerError.Layer)] = [
        SANLK_ACQUIRE_IDLIVE: (.contended, .manager),
        SANLK_ACQUIRE_OWNED: (.contended, .manager),
        SANLK_ACQUIRE_OTHER: (.contended, .manager),
        SANLK_ACQUIRE_SHRETRY: (.contended, .manager),
        SANLK_ACQUIRE_OWNED_RETRY: (.contended, .manager),
        -249: (.contended, .manager),
        -285: (.contended, .manager),
        -EAGAIN: (.contended, .manager),
        SANLK_AIO_TIMEOUT: (.ioTimedOut, .storage),
        SANLK_LEADER_READ: (.storageFailed, .storage),
        SANLK_LEADER_WRITE: (.storageFailed, .storage),
        SANLK_DBLOCK_READ: (.storageFailed, .storage),
        SANLK_DBLOCK_WRITE: (.storageFailed, .storage),
        -EIO: (.storageFailed, .storage),
        // The lockspace is gone or failing: its storage did not let it renew.
        -ENOSPC: (.storageFailed, .storage),
        -EMSGSIZE: (.leaseBeyondStorage, .storage),
        -ENODEV: (.deviceUnavailable, .storage),
        -ENXIO: (.deviceUnavailable, .storage),
        -EACCES: (.deviceUnavailable, .storage),
        -EUCLEAN: (.orphanInTheWay, .manager),
        -EEXIST: (.orphanInTheWay, .manager),
        -ENOENT: (.lockspaceNotFound, .manager),
        -EINPROGRESS: (.lockspaceStarting, .manager),
        -EBUSY: (.lockspaceBusy, .manager),
        -ENOMEM: (.limitReached, .manager),
        -E2BIG: (.limitReached, .manager),
        SANLK_HOSTID_BUSY: (.badHostID, .manager),
        SANLK_ADDLS_INVALID_HOSTID: (.badHostID, .manager),
        SANLK_ADDLS_SIZES: (.badArguments, .manager),
    ]

    /// The error for a call that returned this.
    func error(
        _ doing: String, hold: LockManagerError.Hold = .unchanged,
        code: LockErrorCode? = nil, advice: String = ""
    ) -> LockManagerError {
        let (meaning, layer) = self.meaning
        return LockManagerError(
            code ?? meaning, hold: hold, layer: layer, doing: doing, status: self.rawValue,
            advice: advice.isEmpty ? self.advice : advice)
    }

    private var advice: String {
        switch self.rawValue {
        case _ where self.isFromAbsentDaemon: "is the sanlock daemon running?"
        case SANLK_HOSTID_BUSY: "another host uses this host number"
        case SANLK_WD_ERROR: "sanlock cannot use the watchdog; is wdmd running?"
        default: ""
        }
    }
}
#endif
