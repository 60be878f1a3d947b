package import Glibc
internal import Synchronization

/// A connected unix socket, read and written in whole messages, each with a time limit. One caller
/// at a time.
package final class UnixStream: Sendable {
    /// Why a message did not come through.
    package enum Failure: Error, Hashable {
        /// A system call failed with this `errno`.
        case system(Int32)
        /// The other side ended the stream.
        case ended
        /// The time is over.
        case timedOut
    }

    private let descriptor: Atomic<Int32>

    /// Takes over a descriptor.
    package init(_ descriptor: Int32) {
        self.descriptor = Atomic(descriptor)
    }

    /// Connects to a socket that somebody listens on. One that has no room for more callers at the
    /// moment is called again until the time is over.
    package convenience init(
        connectingTo path: String, within limit: Duration
    ) throws(Failure) {
        let end = ContinuousClock.now + limit
        var pause: UInt32 = 200
        while true {
            do throws(Failure) {
                self.init(try Self.connected(to: path))
                return
            } catch {
                guard error == .system(EAGAIN) else { throw error }
                guard ContinuousClock.now < end else { throw .timedOut }
            }
            usleep(pause)
            pause = min(pause * 2, 20_000)
        }
    }

    deinit { self.close() }

    /// Ends the stream in both directions; whoever uses it then fails.
    package func close() {
        let descriptor = self.descriptor.exchange(-1, ordering: .relaxed)
        if descriptor >= 0 { _ = closeDescriptor(descriptor) }
    }

    /// Ends the stream while somebody else uses it, who fails and has to close it.
    package func shutDown() {
        _ = shutdown(self.number, Int32(SHUT_RDWR))
    }

    /// Sends all of it.
    package func send(_ bytes: [UInt8], within limit: Duration) throws(Failure) {
        let end = ContinuousClock.now + limit
        var rest = bytes[...]
        while !rest.isEmpty {
            try self.wait(for: Int16(POLLOUT), until: end)
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let (count, status) = rest.withUnsafeBytes { bytes in
                (sendBytes(self.number, bytes.baseAddress, bytes.count, flags), errno)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if status == EPIPE || status == ECONNRESET {
                throw .ended
            } else if status != EAGAIN && status != EINTR {
                throw .system(status)
            }
        }
    }

    /// Receives that many bytes.
    package func receive(_ count: Int, within limit: Duration?) throws(Failure) -> [UInt8] {
        let end = limit.map { ContinuousClock.now + $0 }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            try self.wait(for: Int16(POLLIN), until: end)
            let (got, status) = bytes.withUnsafeMutableBytes { bytes in
                (
                    recv(
                        self.number, bytes.baseAddress?.advanced(by: filled), count - filled,
                        Int32(MSG_DONTWAIT)), errno
                )
            }
            if got > 0 {
                filled += got
            } else if got == 0 || status == ECONNRESET {
                throw .ended
            } else if status != EAGAIN && status != EINTR {
                throw .system(status)
            }
        }
        return bytes
    }

    /// Throws away at most so many bytes that are there already.
    package func drain(_ count: Int) {
        var left = count
        var buffer = [UInt8](repeating: 0, count: min(max(left, 1), 4096))
        while left > 0 {
            let got = recv(self.number, &buffer, min(left, buffer.count), Int32(MSG_DONTWAIT))
            guard got > 0 else { return }
            left -= got
        }
    }

    /// The other side has ended the stream. Only meaningful while no message is under way.
    package var isEnded: Bool {
        var poller = pollfd(fd: self.number, events: Int16(POLLIN), revents: 0)
        guard self.number >= 0 else { return true }
        guard poll(&poller, 1, 0) > 0 else { return false }
        // An answer that nobody asked for is no better than an end.
        return true
    }

    private var number: Int32 { self.descriptor.load(ordering: .relaxed) }

    private func wait(
        for event: Int16, until end: ContinuousClock.Instant?
    ) throws(Failure) {
        while true {
            guard self.number >= 0 else { throw .ended }
            var milliseconds: Int32 = -1
            if let end {
                let left = end - ContinuousClock.now
                guard left > .zero else { throw .timedOut }
                milliseconds = Int32(clamping: left.milliseconds + 1)
            }
            var poller = pollfd(fd: self.number, events: event, revents: 0)
            let ready = poll(&poller, 1, milliseconds)
            if ready > 0 { return }
            if ready < 0 && errno != EINTR { throw .system(errno) }
        }
    }

    private static func connected(to path: String) throws(Failure) -> Int32 {
        let type = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        // Without waiting: a manager that is stuck must not hold up its clients.
        let descriptor = socket(AF_UNIX, type | Int32(bitPattern: SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw .system(errno) }
        var status: Int32 = 0
        let isConnected = Self.withAddress(path) { address, length in
            let isConnected = connect(descriptor, address, length) == 0
            status = errno
            return isConnected
        }
        guard let isConnected, isConnected else {
            _ = closeDescriptor(descriptor)
            throw .system(isConnected == nil ? ENAMETOOLONG : status)
        }
        return descriptor
    }

    /// Nil if the path is too long for a socket.
    package static func withAddress<Value>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func sendBytes(
    _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32
) -> Int {
    send(descriptor, bytes, count, flags)
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
