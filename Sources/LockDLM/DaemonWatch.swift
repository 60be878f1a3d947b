@preconcurrency internal import Dispatch
internal import Glibc

/// Notices the end of dlm_controld.
///
/// Without it the kernel concludes nothing any more, and the other hosts take over what this one
/// holds, once they have fenced it or were told not to. Nothing is ever sent on the connection; it
/// ends with the daemon.
struct DaemonWatch: Sendable {
    /// Begins to watch; nil if the daemon cannot be reached. The handler is called once, unless
    /// the watch is cancelled before.
    var begin: @Sendable (_ ended: @escaping @Sendable () -> Void) -> Token?

    /// A watch that is kept up.
    struct Token: Sendable {
        /// Ends the watch.
        let cancel: @Sendable () -> Void
    }

    /// Watches the daemon of this machine, which listens on an abstract socket.
    static let live = DaemonWatch { ended in
        let socket = Self.connect(to: "dlmc_sock")
        guard socket >= 0 else { return nil }
        let queue = DispatchQueue(label: "dlm_controld watch")
        let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        source.setEventHandler {
            source.cancel()
            ended()
        }
        source.setCancelHandler { close(socket) }
        source.activate()
        return Token { source.cancel() }
    }

    private static func connect(to name: String) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return -1 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // Abstract names begin with a zero byte, and end without one.
        let path = [0] + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, length)
            }
        }
        if status == 0 { return descriptor }
        close(descriptor)
        return -1
    }
}
