internal import Glibc
internal import LockIDM

/// A listening unix socket.
enum SocketListener {
    /// Listens in place of whatever is there.
    static func open(_ path: String) throws(DriveError) -> Int32 {
        let type = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        unlink(path)
        let isBound = UnixStream.withAddress(path) { bind(descriptor, $0, $1) == 0 }
        guard descriptor >= 0, isBound == true, listen(descriptor, 128) == 0 else {
            let status = errno
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw DriveError(drive: path, reason: "cannot listen there", status: status)
        }
        return descriptor
    }

    /// Hands over everybody who calls, until the socket is closed.
    static func accept(on listener: Int32, _ begin: (Int32) -> Void) {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                begin(descriptor)
            } else if errno != EINTR && errno != ECONNABORTED {
                _ = Glibc.close(listener)
                return
            }
        }
    }

    /// Wakes who accepts, which closes the socket.
    static func close(_ listener: Int32, _ path: String) {
        unlink(path)
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// The process that connected.
    static func peerProcess(of descriptor: Int32) -> Int32 {
        // Process, user and group, which C calls `struct ucred`.
        var peer: [Int32] = [0, 0, 0]
        var size = socklen_t(12)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else { return 0 }
        return peer[0]
    }
}
