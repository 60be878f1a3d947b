import Glibc
import LVMClient
import LVMWire

/// One client that stays connected: the shortest way from a request to its reply and the next
/// request, with blocking calls.
struct SingleClient {
    private let connection: LockdConnection
    private let requests: [[UInt8]]

    init(_ connection: LockdConnection, _ workload: Workload) {
        self.connection = connection
        self.requests = Requests.cycle(workload, client: 0).map(\.bytes)
    }

    func run(_ meter: Meter) throws(ClientError) {
        let socket = self.connection.fileDescriptor
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        var expected = self.requests.map { _ in ExpectedReply() }
        meter.begin()
        while !meter.hasEnded {
            for step in self.requests.indices {
                let start = now()
                try Self.send(self.requests[step], to: socket)
                var filled = 0
                var verdict = ExpectedReply.Verdict.incomplete
                while case .incomplete = verdict {
                    filled += try Self.receive(from: socket, into: buffer, after: filled)
                    verdict = expected[step].check(
                        UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
                }
                meter.record(from: start, to: now())
                if case .bad(let what) = verdict { meter.fail(what) }
            }
        }
    }

    @inline(__always)
    private static func send(_ bytes: [UInt8], to socket: Int32) throws(ClientError) {
        let sent = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw ClientError(.cannotSend, status: errno) }
    }

    @inline(__always)
    private static func receive(
        from socket: Int32, into buffer: UnsafeMutableRawBufferPointer, after filled: Int
    ) throws(ClientError) -> Int {
        guard filled < buffer.count, let base = buffer.baseAddress else {
            throw ClientError(.badReply, "longer than \(buffer.count) bytes")
        }
        let count = recv(socket, base + filled, buffer.count - filled, 0)
        guard count > 0 else {
            throw ClientError(count == 0 ? .closed : .cannotReceive, status: errno)
        }
        return count
    }
}
