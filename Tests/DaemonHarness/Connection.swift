import Glibc

/// What went wrong between a test and the machinery it drives.
package struct HarnessError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    package static func system(_ what: String) -> HarnessError {
        HarnessError("\(what): \(String(cString: strerror(errno)))")
    }
}

/// A blocking connection to a lock daemon's socket, one request at a time.
///
/// It sends and shows exactly what the protocol says, so that a test can also say what no well-made
/// client would.
package final class Connection {
    package let descriptor: Int32
    private var unread: [UInt8] = []

    package init(path: String) throws {
        self.descriptor = try connectedSocket(path: path)
    }

    deinit {
        close(self.descriptor)
    }

    package func send(_ request: Message) throws {
        let bytes = Array(request.wireText.utf8)
        let sent = Glibc.send(self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw HarnessError.system("sending \(request)") }
    }

    /// The next message, or nil when none came in time.
    package func receive(withinMilliseconds limit: Int32) throws -> Message? {
        let end = Array(Message.end.utf8)
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            if let range = self.unread.firstRange(of: end) {
                let text = String(decoding: self.unread[..<range.lowerBound], as: UTF8.self)
                self.unread.removeSubrange(..<range.upperBound)
                return Message(text: text)
            }
            var readable = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&readable, 1, limit) > 0 else { return nil }
            let count = read(self.descriptor, &chunk, chunk.count)
            guard count > 0 else { throw HarnessError("the daemon closed the connection") }
            self.unread += chunk[..<count]
        }
    }

    /// Asks, and waits for the answer; no answer within ten seconds is an error.
    package func call(_ request: Message) throws -> Message {
        try self.send(request)
        guard let reply = try self.receive(withinMilliseconds: 10_000) else {
            throw HarnessError("no answer to \(request)")
        }
        return reply
    }
}

package func connectedSocket(path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let result = try withSocketAddress(path: path) { connect(descriptor, $0, $1) }
    guard result == 0 else {
        let error = HarnessError.system("connecting to \(path)")
        close(descriptor)
        throw error
    }
    return descriptor
}

package func listeningSocket(path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let result = try withSocketAddress(path: path) { bind(descriptor, $0, $1) }
    guard result == 0, listen(descriptor, 16) == 0 else {
        throw HarnessError.system("listening on \(path)")
    }
    return descriptor
}

private func withSocketAddress(
    path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < room else { throw HarnessError("socket path too long: \(path)") }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
