import Glibc

/// An open socket. Closes with its owner.
struct Socket: ~Copyable {
    /// The largest datagram of a dump.
    static let datagramBytes = 64 * 1024

    let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        _ = close(self.descriptor)
    }

    // MARK: Opening

    /// A stream connected to a path; `@` at its beginning stands for an abstract name.
    static func connected(to path: String) throws(ClientError) -> Socket {
        let socket = try self.open(SOCK_STREAM, failing: .cannotConnect)
        let status = try Self.withAddress(path) { address, length in
            while connect(socket.descriptor, address, length) < 0 {
                // A connect that a signal interrupted goes on by itself.
                guard errno != EINTR else { return Self.awaitConnection(socket.descriptor) }
                return errno
            }
            return 0
        }
        guard status == 0 else { throw ClientError(.cannotConnect, path, status: status) }
        return socket
    }

    /// A receiver of datagrams with an address of its own.
    static func bound(to path: String) throws(ClientError) -> Socket {
        let socket = try self.open(SOCK_DGRAM, failing: .cannotBind)
        let status = try Self.withAddress(path) { address, length in
            bind(socket.descriptor, address, length) < 0 ? errno : 0
        }
        guard status == 0 else { throw ClientError(.cannotBind, path, status: status) }
        return socket
    }

    private static func open(
        _ type: __socket_type, failing code: ClientError.Code
    ) throws(ClientError) -> Socket {
        let kind = Int32(bitPattern: type.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw ClientError(code, "socket", status: errno) }
        return Socket(descriptor)
    }

    /// The status of a connect under way, when that is known.
    private static func awaitConnection(_ descriptor: Int32) -> Int32 {
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while poll(&poller, 1, -1) < 0 {
            guard errno == EINTR else { return errno }
        }
        var status: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &status, &length) == 0 else {
            return errno
        }
        return status
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(ClientError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        let isAbstract = name.first == UInt8(ascii: "@")
        if isAbstract { name[0] = 0 }
        // A path needs room for the zero behind it; an abstract name ends with the address.
        let room = MemoryLayout.size(ofValue: address.sun_path) - (isAbstract ? 0 : 1)
        guard !name.isEmpty, name.count <= room else { throw ClientError(.badPath, path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let used = MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                body(pointer, socklen_t(used))
            }
        }
    }

    // MARK: Sending and receiving

    /// How long ``receive(into:)`` waits; nil for as long as it takes.
    func setReceiveTimeout(_ timeout: Duration?) throws(ClientError) {
        var time = timeval()
        if let timeout {
            let (seconds, attoseconds) = timeout.components
            time.tv_sec = Int(max(0, seconds))
            // A timeout of zero would mean none at all.
            time.tv_usec = max(time.tv_sec == 0 ? 1 : 0, Int(attoseconds / 1_000_000_000_000))
        }
        let length = socklen_t(MemoryLayout<timeval>.size)
        guard setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, length) == 0 else {
            throw ClientError(.cannotReceive, "receive timeout", status: errno)
        }
    }

    /// Sends everything.
    func send(_ bytes: [UInt8]) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            let (count, status) = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                let count = Glibc.send(
                    self.descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                return (count, errno)
            }
            if count >= 0 {
                sent += count
            } else if status == EPIPE || status == ECONNRESET {
                throw ClientError(.closed, status: status)
            } else if status != EINTR {
                throw ClientError(.cannotSend, status: status)
            }
        }
    }

    /// Receives what there is, at least a byte; waits for it. At the end of a stream: 0.
    func receive(into buffer: inout [UInt8]) throws(ClientError) -> Int {
        while true {
            let (count, status) = buffer.withUnsafeMutableBytes { bytes in
                (recv(self.descriptor, bytes.baseAddress, bytes.count, 0), errno)
            }
            if count >= 0 { return count }
            switch status {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: throw ClientError(.timedOut)
            case ECONNRESET: return 0
            default: throw ClientError(.cannotReceive, status: status)
            }
        }
    }

    /// No more requests will come; replies still may.
    func finishSending() {
        _ = shutdown(self.descriptor, Int32(SHUT_WR))
    }
}
