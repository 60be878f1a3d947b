import Glibc

/// The service manager that started the daemon, as far as it has told by environment variables:
/// a socket that it listens on already, and where it wants to hear that the daemon is ready.
enum ServiceManager {
    /// The first descriptor that a service manager passes (`SD_LISTEN_FDS_START`).
    private static let firstDescriptor: Int32 = 3

    /// The listening socket that was passed to this process; nil if none was. The variables are
    /// removed, so that no process started later takes them for its own.
    static func takeListeningSocket() throws(StartError) -> Int32? {
        let activation = Paths.environment("SD_ACTIVATION")
        let process = Paths.environment("LISTEN_PID")
        let count = Paths.environment("LISTEN_FDS")
        for name in ["SD_ACTIVATION", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            unsetenv(name)
        }
        guard activation == "1", let process, Int32(process) == getpid(), let count else {
            return nil
        }
        guard count == "1" else {
            throw StartError(
                problem: "the service manager passed \(count) sockets, and one is expected",
                advice: "let the socket unit have one ListenStream= line")
        }
        _ = fcntl(Self.firstDescriptor, F_SETFD, FD_CLOEXEC)
        return Self.firstDescriptor
    }

    /// Tells the service manager how the daemon is, such as `READY=1`, if one listens.
    static func notify(_ message: String) {
        guard let path = Paths.environment("NOTIFY_SOCKET") else { return }
        let isAbstract = path.hasPrefix("@")
        guard isAbstract || path.hasPrefix("/") else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if isAbstract { bytes[0] = 0 }
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 0
        let length = socklen_t(head + bytes.count + (isAbstract ? 0 : 1))

        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(message.utf8)
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
