import Dispatch
import Glibc
import LVMClient
import LVMWire
import LockCore
import Testing

/// A socket that a test answers on by hand.
private final class Listener {
    let path: String
    private let descriptor: Int32
    private(set) var connection: Int32 = -1

    init() throws {
        let number = UInt64.random(in: 0...UInt64.max)
        self.path = "@holdfast-test-\(number)"
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = Self.withAddress(self.path) { bind(self.descriptor, $0, $1) }
        try #require(status == 0)
        try #require(listen(self.descriptor, 8) == 0)
    }

    deinit {
        close(self.descriptor)
        if self.connection >= 0 { close(self.connection) }
    }

    func accept() { self.connection = Glibc.accept(self.descriptor, nil, nil) }

    func hangUp() {
        close(self.connection)
        self.connection = -1
    }

    func answer(_ bytes: [UInt8]) {
        #expect(send(self.connection, bytes, bytes.count, 0) == bytes.count)
    }

    func received() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(self.connection, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return Array(buffer[..<max(0, count)])
    }

    /// Has the other side closed?
    var isAtEnd: Bool {
        var byte: UInt8 = 0
        return recv(self.connection, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }

    static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = [0] + Array(path.utf8.dropFirst())
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

@Suite(.serialized) struct LockdConnectionTests {
    private func connected(
        timeout: Duration? = .seconds(30)
    ) throws -> (Listener, LockdConnection) {
        let listener = try Listener()
        let connection = try LockdConnection(
            to: listener.path, receiveTimeout: timeout, dumpPath: listener.path + "-dump")
        listener.accept()
        return (listener, connection)
    }

    @Test func `hello finds out the protocol's version`() throws {
        let (listener, connection) = try self.connected()
        listener.answer(Response.hello())
        #expect(try connection.hello() == 1)
        #expect(listener.received() == ClientRequest("hello").bytes)
    }

    @Test func `a reply's fields are at hand`() throws {
        let (listener, connection) = try self.connected()
        var reply = Reply(.contended, isFromManager: true, notes: .hostsUnknown)
        reply.kind = LockManagerKind(rawValue: "dlm")
        listener.answer(Response.encode(reply, to: .lock))
        let request = ClientRequest("lock_vg", ["vg_name": "vg0", "mode": "ex", "pid": 12])
        let response = try connection.call(request)
        #expect(response.isOK)
        #expect(response.result == ResultCode(.contended))
        #expect(response.string("lock_type") == "dlm")
        #expect(response.int("op") == 7)
        #expect(response.notes == .hostsUnknown)
        #expect(
            String(decoding: listener.received(), as: UTF8.self)
                == "request = \"lock_vg\"\nvg_name = \"vg0\"\nmode = \"ex\"\npid = 12\n\n##\n")
    }

    @Test func `two replies in one piece are two replies`() throws {
        let (listener, connection) = try self.connected()
        listener.answer(Response.hello() + Response.dump(bytes: 3))
        #expect(try connection.receive().int("version") == 1)
        #expect(try connection.receive().int("dump_len") == 3)
    }

    @Test func `a refusal says why`() throws {
        let (listener, connection) = try self.connected()
        listener.answer(Response.failed("no such request"))
        #expect(throws: ClientError(.refused, "no such request")) {
            try connection.call(ClientRequest("what"))
        }
    }

    @Test func `no reply in time is an error`() throws {
        let (listener, connection) = try self.connected(timeout: .milliseconds(1))
        #expect(throws: ClientError(.timedOut)) { try connection.call(ClientRequest("hello")) }
        withExtendedLifetime(listener) {}
    }

    @Test func `a service that goes away is an error`() throws {
        let (listener, connection) = try self.connected()
        listener.hangUp()
        #expect(throws: ClientError(.closed)) { try connection.receive() }
        let error = #expect(throws: ClientError.self) { try connection.send(bytes: [1, 2, 3]) }
        #expect(error?.code == .closed)
    }

    @Test func `a reply that is none is an error`() throws {
        let (listener, connection) = try self.connected()
        listener.answer(frame("response\n\n##\n"))
        let error = #expect(throws: ClientError.self) { try connection.receive() }
        #expect(error?.code == .badReply)
        #expect(error?.wire?.code == .unparsable)
    }

    @Test func `a path that cannot be is told from one where nobody listens`() {
        let long = "/" + String(repeating: "p", count: 200)
        for path in ["", long] {
            let error = #expect(throws: ClientError.self) { try LockdConnection(to: path) }
            #expect(error?.code == .badPath)
        }
        let error = #expect(throws: ClientError.self) {
            try LockdConnection(to: "/nowhere/at-all")
        }
        #expect(error?.code == .cannotConnect)
        #expect(error?.status == ENOENT)
    }

    @Test func `a dump comes as datagrams beside its reply`() throws {
        let (listener, connection) = try self.connected()
        let text = [UInt8](repeating: UInt8(ascii: "i"), count: 100_000)
        listener.answer(Response.dump(bytes: text.count))
        let path = listener.path + "-dump"
        // There is no one to send to before the request: so the sender waits for that. It has a
        // thread of its own, for this one blocks.
        let giveUp = ContinuousClock.now + .seconds(30)
        DispatchQueue(label: "sender").async {
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            for piece in [text[..<65_536], text[65_536...]] {
                let bytes = Array(piece)
                while Listener.withAddress(
                    path,
                    { address, length in
                        sendto(descriptor, bytes, bytes.count, 0, address, length) < 0 ? -1 : 0
                    }) != 0, ContinuousClock.now < giveUp
                { sched_yield() }
            }
        }
        let dump = try connection.info()
        #expect(dump.bytes == text)
        #expect(dump.result == .done)
    }

    @Test func `the connection closes with its owner`() throws {
        let listener = try Listener()
        do {
            let connection = try LockdConnection(to: listener.path)
            listener.accept()
            try connection.send(ClientRequest("hello"))
            #expect(listener.received() == ClientRequest("hello").bytes)
            #expect(!listener.isAtEnd)
        }
        #expect(listener.isAtEnd)
    }
}
