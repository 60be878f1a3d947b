import Dispatch
import Glibc

/// Both directions of a stream of bytes between a driver and an agent: a socket, a pair of pipes,
/// or a device such as a virtual machine's serial port. Closes with its last owner.
public final class AgentStream: @unchecked Sendable {
    /// What the other side says, up to the end of the stream or the first mistake. One reader.
    let messages: AsyncStream<AgentMessage>

    private let yield: AsyncStream<AgentMessage>.Continuation
    private let reading: any DispatchSourceRead
    private let output: Int32
    private let readQueue = DispatchQueue(label: "holdfast.agent-stream.read")
    private let writeQueue = DispatchQueue(label: "holdfast.agent-stream.write")
    /// Bytes that do not make a frame yet. Only the read queue touches them.
    private var received: [UInt8] = []

    /// Takes over two open descriptors, which may be the same.
    public init(reading input: Int32, writing output: Int32) {
        (self.messages, self.yield) = AsyncStream.makeStream(of: AgentMessage.self)
        self.output = output
        for descriptor in [input, output] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        self.reading = DispatchSource.makeReadSource(
            fileDescriptor: input, queue: self.readQueue)
        self.reading.setEventHandler { [weak self] in self?.receive(from: input) }
        self.reading.setCancelHandler { [yield] in
            yield.finish()
            close(input)
            if output != input { close(output) }
        }
        self.reading.activate()
    }

    deinit { self.reading.cancel() }

    /// A stream to a socket that somebody listens on.
    public convenience init(connectingTo path: String) throws(FixtureError) {
        let socket = try UnixSocket.connected(to: path)
        self.init(reading: socket, writing: socket)
    }

    /// A stream to a device. A terminal, such as a serial line, is made to pass bytes as they are.
    public convenience init(device path: String) throws(FixtureError) {
        let device = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard device >= 0 else { throw FixtureError("open \(path)", .lastError) }
        var settings = termios()
        if tcgetattr(device, &settings) == 0 {
            cfmakeraw(&settings)
            tcsetattr(device, TCSANOW, &settings)
        }
        Self.awaitOtherSide(of: device)
        self.init(reading: device, writing: device)
    }

    /// A virtual machine's port reads as ended, not as empty, until somebody is connected outside,
    /// and no event tells of that.
    private static func awaitOtherSide(of device: Int32) {
        var port = pollfd(fd: device, events: 0, revents: 0)
        while poll(&port, 1, 0) > 0, Int32(port.revents) & POLLHUP != 0 { usleep(10_000) }
    }

    /// Sends a message after those sent before. If the other side is gone, that shows when reading.
    func send(_ message: AgentMessage) {
        var writer = WireWriter()
        writer.write(message)
        let bytes = writer.frame()
        self.writeQueue.async { [weak self] in self?.write(bytes) }
    }

    /// Ends the conversation.
    public func end() {
        self.reading.cancel()
    }

    private func receive(from input: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        let count = read(input, &buffer, buffer.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return self.reading.cancel() }
        self.received.append(contentsOf: buffer[..<count])
        do throws(WireError) {
            while var frame = try WireReader.frame(in: &self.received) {
                let message = try frame.read(AgentMessage.self)
                guard frame.isAtEnd else { throw WireError(reason: "it is too long") }
                self.yield.yield(message)
            }
        } catch {
            self.reading.cancel()
        }
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty && !self.reading.isCancelled {
            let count = rest.withUnsafeBytes { bytes in
                let sent = Glibc.send(self.output, bytes.baseAddress, bytes.count, Self.noSignal)
                guard sent < 0 && errno == ENOTSOCK else { return sent }
                return Glibc.write(self.output, bytes.baseAddress, bytes.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN || errno == EINTR {
                var poller = pollfd(fd: self.output, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, 1000)
            } else {
                return
            }
        }
    }

    private static let noSignal = Int32(MSG_NOSIGNAL)
}

extension String {
    /// What the last call of the C library failed with.
    static var lastError: String { String(cString: strerror(errno)) }
}
