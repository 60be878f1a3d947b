import Glibc
import LockCore

/// An open file. Closing it, at the latest at the end of the process, drops the locks taken on it.
///
/// The locks are those of Linux's open file descriptions. `flock(2)` will not do: to turn a shared
/// lock into an exclusive one it drops the shared one first, and if that fails nothing is left.
final class LockFile: Sendable {
    /// `F_OFD_GETLK` and `F_OFD_SETLK`, which Glibc's module lacks.
    private static let (getLock, setLock): (Int32, Int32) = (36, 37)
    private let path: String
    private let descriptor: Int32

    /// Opens the file, which is made if it does not exist.
    init(_ path: String) throws(LockManagerError) {
        (self.path, self.descriptor) = (path, open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        guard self.descriptor >= 0 else { throw self.failure("open") }
    }
    deinit { close(self.descriptor) }

    /// Locks a byte, without waiting. False, and the lock is as it was, if another is in the way.
    func lock(_ mode: LockMode, byte: off_t = 0) throws(LockManagerError) -> Bool {
        var range = Self.range(mode, byte)
        guard fcntl(self.descriptor, Self.setLock, &range) != 0 else { return true }
        guard errno == EAGAIN || errno == EACCES else { throw self.failure("lock") }
        return false
    }

    /// Is the byte locked through another file?
    func isLockedElsewhere(byte: off_t) throws(LockManagerError) -> Bool {
        var range = Self.range(.exclusive, byte)
        guard fcntl(self.descriptor, Self.getLock, &range) == 0 else { throw self.failure("test") }
        return range.l_type != Int16(F_UNLCK)
    }

    private static func range(_ mode: LockMode, _ byte: off_t) -> flock {
        let type = mode == .exclusive ? F_WRLCK : mode == .shared ? F_RDLCK : F_UNLCK
        return flock(
            l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: byte, l_len: 1, l_pid: 0)
    }

    private func failure(_ call: String) -> LockManagerError {
        LockManagerError(
            .storageFailed, layer: .storage, doing: "\(call) \(self.path)", status: errno)
    }
}
