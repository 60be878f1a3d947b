public import LVMWire

/// A connection to the lock service's socket. Every call blocks; closes with its owner.
///
/// ```swift
/// let service = try LockdConnection(to: LockdConnection.defaultPath)
/// let reply = try service.call(ClientRequest("lock_vg", ["vg_name": "vg0", "mode": "sh"]))
/// ```
public final class LockdConnection {
    /// Where lvmlockd listens by default, and so do services in its place.
    public static let defaultPath = "/run/lvm/lvmlockd.socket"
    /// The abstract socket that the service sends dumps to. One process at a time can have it.
    public static let dumpPath = "@lvmlockd-dump.sock"

    /// Longest dump that is accepted, in bytes: as much as lvmlockctl takes.
    static let longestDump = 4 * 1024 * 1024

    private let socket: Socket
    private let timeout: Duration?
    private let dumpPath: String
    private var reader = FrameReader()
    private var buffer = [UInt8](repeating: 0, count: 4096)

    /// Connects. `@` at the beginning of the path stands for an abstract name.
    ///
    /// With a timeout, a reply that takes longer is ``ClientError/Code-swift.struct/timedOut``.
    /// `dumpPath` is where the service sends dumps to.
    public init(
        to path: String = defaultPath, receiveTimeout: Duration? = nil,
        dumpPath: String = dumpPath
    ) throws(ClientError) {
        self.dumpPath = dumpPath
        self.socket = try Socket.connected(to: path)
        self.timeout = receiveTimeout
        if receiveTimeout != nil { try self.socket.setReceiveTimeout(receiveTimeout) }
    }

    /// The socket, for callers who wait for several connections at once (`poll`) or move the bytes
    /// themselves. It stays the connection's: valid as long as that lives, and closed by it.
    public var fileDescriptor: Int32 { self.socket.descriptor }

    // MARK: Requests

    /// Asks whether the service speaks lvmlockd's protocol, and returns the protocol's version.
    @discardableResult
    public func hello() throws(ClientError) -> Int64 {
        let reply = try self.call(ClientRequest("hello"))
        guard reply.string("protocol") == "lvmlockd", let version = reply.int("version") else {
            throw ClientError(.badReply, "not lvmlockd's protocol")
        }
        return version
    }

    /// Sends a request and waits for its reply. Throws if the service did not understand the
    /// request; else the result is in the reply.
    public func call(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        try self.send(request)
        let reply = try self.receive()
        guard reply.isOK else {
            throw ClientError(.refused, reply.string("reason") ?? request.name)
        }
        return reply
    }

    /// Sends a request without waiting for its reply.
    public func send(_ request: ClientRequest) throws(ClientError) {
        try self.send(bytes: request.bytes)
    }

    /// Sends bytes as they are.
    public func send(bytes: [UInt8]) throws(ClientError) {
        try self.socket.send(bytes)
    }

    /// Tells the service that no more requests will come. Replies can still be received.
    public func finishSending() {
        self.socket.finishSending()
    }

    /// Waits for the next reply.
    public func receive() throws(ClientError) -> ClientResponse {
        let frame = try self.receiveFrame()
        do {
            return try ClientResponse(frame)
        } catch {
            throw ClientError(.badReply, wire: error)
        }
    }

    /// Waits for the next reply and returns its text, without the terminator.
    public func receiveFrame() throws(ClientError) -> [UInt8] {
        while true {
            do {
                if let frame = try self.reader.next() { return frame }
            } catch {
                throw ClientError(.badReply, wire: error)
            }
            let count = try self.socket.receive(into: &self.buffer)
            guard count > 0 else { throw ClientError(.closed) }
            self.reader.append(Array(self.buffer[..<count]))
        }
    }

    // MARK: Dumps

    /// What the service shows of itself.
    public struct Dump: Sendable {
        /// The text's bytes.
        public var bytes: [UInt8]
        /// Success, or ``ResultCode/dumpCut`` if the text is not all there.
        public var result: ResultCode
        /// The text.
        public var text: String { String(decoding: self.bytes, as: UTF8.self) }
    }

    /// The service's state, as `lvmlockctl --info` reads it.
    public func info() throws(ClientError) -> Dump {
        try self.dump(ClientRequest("info"))
    }

    /// The service's log, as `lvmlockctl --dump` shows it.
    public func log() throws(ClientError) -> Dump {
        try self.dump(ClientRequest("dump"))
    }

    private func dump(_ request: ClientRequest) throws(ClientError) -> Dump {
        let receiver = try Socket.bound(to: self.dumpPath)
        if self.timeout != nil { try receiver.setReceiveTimeout(self.timeout) }
        let reply = try self.call(request)
        guard let result = reply.result, let length = reply.int("dump_len"),
            0...Int64(Self.longestDump) ~= length
        else { throw ClientError(.badReply, "no length of the dump") }
        var dump = Dump(bytes: [], result: result)
        var datagram = [UInt8](repeating: 0, count: Socket.datagramBytes)
        while dump.bytes.count < Int(length) {
            let count = try receiver.receive(into: &datagram)
            dump.bytes.append(contentsOf: datagram[..<count])
        }
        return dump
    }
}
