import Glibc

/// Makes the socket on which clients connect, and refuses where somebody else could stand in its
/// place: whoever answers there decides about other people's storage.
enum ListeningSocket {
    /// Connections that the kernel keeps until they are accepted. The kernel cuts it down to
    /// `net.core.somaxconn`; lvmlockd's is one, so that a burst of commands waits for its turn.
    static let backlog: Int32 = 4096

    /// Makes a socket with mode 0600 at a path, instead of a left-over one on which nobody answers.
    static func make(at path: String) throws(ServerError) -> Int32 {
        let doing = "listen on \(path)"
        guard let address = UnixAddress(path: path) else {
            throw ServerError(
                .badPath, doing: doing,
                problem: "a socket's path has 1 to \(UnixAddress.longestPathBytes) bytes",
                advice: "choose a shorter path with --socket-path")
        }
        try SocketDirectory.check(of: path, doing: doing)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.systemError("socket", doing) }
        do throws(ServerError) {
            try Self.bind(descriptor, to: address, path, doing)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Takes over a socket that the service manager made.
    static func adopt(_ descriptor: Int32, path: String) throws(ServerError) {
        let doing = "take over file descriptor \(descriptor) for \(path)"
        let advice = "let ListenStream= of the socket unit and --socket-path name the same path"
        guard Self.option(SO_ACCEPTCONN, of: descriptor) == 1,
            Self.option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
        else {
            throw ServerError(
                .badInheritedSocket, doing: doing, problem: "it is not a listening stream socket",
                advice: advice)
        }
        guard let bound = UnixAddress.path(of: descriptor), bound == path else {
            let found = UnixAddress.path(of: descriptor) ?? "no path"
            throw ServerError(
                .badInheritedSocket, doing: doing, problem: "it is bound to \(found)",
                advice: advice)
        }
    }

    private static func bind(
        _ descriptor: Int32, to address: UnixAddress, _ path: String, _ doing: String
    ) throws(ServerError) {
        // On Linux the file takes its mode from the socket, from its first moment on.
        guard fchmod(descriptor, 0o600) == 0 else { throw Self.systemError("fchmod", doing) }
        let bindOnce = { address.withPointer { Glibc.bind(descriptor, $0, $1) } }
        if bindOnce() == 0 { return }
        guard errno == EADDRINUSE else { throw Self.systemError("bind", doing) }
        try Self.removeLeftOver(path, address, doing)
        guard bindOnce() == 0 else { throw Self.systemError("bind", doing) }
    }

    private static func removeLeftOver(
        _ path: String, _ address: UnixAddress, _ doing: String
    ) throws(ServerError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw Self.systemError("lstat", doing) }
        let isSocket = status.st_mode & S_IFMT == S_IFSOCK
        let isOurs = status.st_uid == 0 || status.st_uid == geteuid()
        guard isSocket, isOurs, status.st_mode & 0o077 == 0 else {
            throw ServerError(
                .notOurs, doing: doing,
                problem: isSocket
                    ? "a socket of user \(status.st_uid) stands there that others may use"
                    : "something else than a socket stands there",
                advice: "remove it, or choose another path with --socket-path")
        }
        guard !Self.somebodyAnswers(at: address) else {
            throw ServerError(
                .addressInUse, doing: doing, problem: "another process answers there",
                advice: "stop the other daemon, or choose another path with --socket-path")
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.systemError("unlink", doing) }
    }

    private static func somebodyAnswers(at address: UnixAddress) -> Bool {
        let type = Int32(
            SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        // EAGAIN means that its queue of connections is full: somebody is there, and busy.
        return address.withPointer { connect(descriptor, $0, $1) } == 0 || errno == EAGAIN
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 else { return nil }
        return value
    }

    static func systemError(_ call: String, _ doing: String) -> ServerError {
        let status = errno
        return ServerError(
            .systemCallFailed, doing: doing, problem: "\(call): \(errorText(status))",
            advice: "see what stands at that path and who may write there", status: status)
    }
}
