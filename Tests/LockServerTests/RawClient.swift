import Glibc

/// A blocking connection that sends whatever bytes a test wants, and shows what comes back.
final class RawClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ call: String) {
            let status = errno
            self.description = "\(call): \(String(cString: strerror(status)))"
        }
    }

    let descriptor: Int32
    private var unread: [UInt8] = []

    init(_ path: String) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withUnixAddress(path) { connect(self.descriptor, $0, $1) }
        guard result == 0 else { throw Failure("connect to \(path)") }
    }

    deinit {
        Glibc.close(self.descriptor)
    }

    func send(_ text: String) throws {
        try self.send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends without waiting for room; how much was taken, -1 if nothing or the peer is gone.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        Glibc.send(
            self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }

    /// Waits until more can be sent, or the peer is gone.
    func hasRoom() -> Bool {
        var writable = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&writable, 1, 20_000) > 0
    }

    /// The next message; nil when the server has closed the connection, or nothing came in time.
    func receive(withinSeconds limit: Int32 = 20) -> Fields? {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            if let end = self.unread.firstRange(of: Array("\n##\n".utf8)) {
                let text = String(decoding: self.unread[..<end.lowerBound], as: UTF8.self)
                self.unread.removeSubrange(..<end.upperBound)
                return Fields(text)
            }
            var readable = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&readable, 1, limit * 1000) > 0 else { return nil }
            let count = read(self.descriptor, &chunk, chunk.count)
            guard count > 0 else { return nil }
            self.unread += chunk[..<count]
        }
    }

    /// Has the server closed the connection, without another message?
    func isClosed(withinSeconds limit: Int32 = 20) -> Bool {
        guard self.unread.isEmpty else { return false }
        var byte: UInt8 = 0
        var readable = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&readable, 1, limit * 1000) > 0 else { return false }
        return read(self.descriptor, &byte, 1) <= 0
    }

    /// Sends a request and waits for its reply.
    func call(_ request: String, _ fields: (String, String)...) throws -> Fields {
        try self.send(frame(request, fields))
        guard let reply = self.receive() else { throw Failure("no reply to \(request)") }
        return reply
    }
}

/// A message's fields.
struct Fields: CustomStringConvertible {
    private let values: [String: String]

    init(_ text: String) {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].filter { $0 != " " }
            let value = line[line.index(after: equals)...].drop { $0 == " " }
            values[key] = value.filter { $0 != "\"" }
        }
        self.values = values
    }

    subscript(key: String) -> String? { self.values[key] }

    var isFailed: Bool { self["response"] == "failed" && self["reason"]?.isEmpty == false }

    var description: String { self.values.sorted { $0.key < $1.key }.description }
}

/// A request's bytes. Every value is quoted but numbers, as LVM writes them.
func frame(_ request: String, _ fields: [(String, String)] = []) -> String {
    let lines = fields.map { key, value in
        Int(value) == nil ? "\(key) = \"\(value)\"\n" : "\(key) = \(value)\n"
    }
    return "request = \"\(request)\"\n" + lines.joined() + "\n##\n"
}

func withUnixAddress<Result>(
    _ path: String, isAbstract: Bool = false,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = (isAbstract ? [0] : []) + Array(path.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
}

/// A bound datagram socket, as lvmlockctl has one for `info` and `dump`, and NOTIFY_SOCKET's owner.
final class DatagramReceiver {
    let descriptor: Int32

    init(_ name: String, isAbstract: Bool) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withUnixAddress(name, isAbstract: isAbstract) { bind(self.descriptor, $0, $1) }
        guard result == 0 else { throw RawClient.Failure("bind \(name)") }
    }

    deinit {
        close(self.descriptor)
    }

    /// So many bytes, and in how many datagrams they came.
    func receive(_ bytes: Int) -> (text: [UInt8], datagrams: Int) {
        var text: [UInt8] = []
        var datagrams = 0
        var piece = [UInt8](repeating: 0, count: 256 * 1024)
        while text.count < bytes {
            var readable = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&readable, 1, 20_000) > 0 else { break }
            let count = recv(self.descriptor, &piece, piece.count, 0)
            guard count > 0 else { break }
            text += piece[..<count]
            datagrams += 1
        }
        return (text, datagrams)
    }

    /// One datagram's text.
    func receiveOne() -> String {
        var piece = [UInt8](repeating: 0, count: 4096)
        var readable = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&readable, 1, 20_000) > 0 else { return "" }
        let count = recv(self.descriptor, &piece, piece.count, 0)
        return String(decoding: piece.prefix(max(0, count)), as: UTF8.self)
    }
}

/// Did the last call fail because the peer is gone, rather than for want of room?
func errnoSaysGone() -> Bool {
    errno == EPIPE || errno == ECONNRESET
}
