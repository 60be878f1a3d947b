import Glibc

/// The file that holds the daemon's process number, locked as long as the daemon lives. LVM uses
/// lock daemons only where it exists, and its lock keeps a second daemon away.
struct PidFile: ~Copyable {
    private let path: String
    private let descriptor: Int32

    /// Makes and locks the file, in the way that lvmlockd does, so that the two exclude each other.
    init(path: String) throws(StartError) {
        self.path = path
        self.descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard self.descriptor >= 0 else {
            throw StartError(
                problem: "cannot write the pid file \(path): \(StartError.systemReason)",
                advice: "choose another path with --pid-file, or start the daemon as root")
        }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(self.descriptor, F_SETLK, &lock) == 0 else {
            let owner = Self.owner(of: self.descriptor)
            close(self.descriptor)
            throw StartError(
                problem: "a lock daemon is running already\(owner): it has locked \(path)",
                advice: "stop it first, or choose other paths with --pid-file and --socket-path")
        }
        let text = "\(getpid())\n"
        let written = text.utf8.withContiguousStorageIfAvailable {
            ftruncate(self.descriptor, 0) == 0
                && pwrite(self.descriptor, $0.baseAddress, $0.count, 0) == $0.count
        }
        guard written == true else {
            let reason = StartError.systemReason
            unlink(path)
            close(self.descriptor)
            throw StartError(
                problem: "cannot write the pid file \(path): \(reason)",
                advice: "see whether its file system is full")
        }
    }

    /// Removes the file. The lock ends with the process, so nobody starts in between.
    func remove() {
        unlink(self.path)
    }

    private static func owner(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { 0x30...0x39 ~= $0 }
        return digits.isEmpty ? "" : " as process " + String(decoding: digits, as: UTF8.self)
    }
}
