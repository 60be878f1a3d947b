import CEpoll
import Glibc
import LVMClient
import LVMWire

/// Many clients, served by one thread that waits for all their replies at once.
///
/// A reply's time ends when the thread learns of it, for all that it learns of at once: what it
/// then takes to handle them one after the other belongs to no client's reply.
final class ManyClients {
    private struct Client {
        var socket: Int32
        var step = 0
        var sentAt: UInt64 = 0
        /// Bytes of a reply that has not come as a whole.
        var filled = 0
    }

    private static let replyBytes = 1024
    private static let patienceMilliseconds: Int32 = 15_000

    private let connections: [LockdConnection]
    private let epoll: Int32
    private let clients: UnsafeMutableBufferPointer<Client>
    private let requests: [[[UInt8]]]
    private var expected: [ExpectedReply]
    private let replies: UnsafeMutableRawBufferPointer
    private let takesTurns: Bool
    private var active: Int

    /// With cycles: what each client sends in turn, instead of the workload's own.
    init(
        _ connections: [LockdConnection], _ workload: Workload,
        cycles: [[ClientRequest]]? = nil
    ) throws(ClientError) {
        self.connections = connections
        self.active = connections.count
        self.takesTurns = workload.kind == .one
        self.epoll = epoll_create1(0)
        self.clients = .allocate(capacity: connections.count)
        self.clients.initialize(repeating: Client(socket: -1))
        let cycles = cycles ?? connections.indices.map { Requests.cycle(workload, client: $0) }
        self.requests = cycles.map { $0.map(\.bytes) }
        self.expected = (self.requests.first ?? []).map { _ in ExpectedReply() }
        self.replies = .allocate(
            byteCount: connections.count * Self.replyBytes, alignment: 16)
        for (index, connection) in connections.enumerated() {
            self.clients[index].socket = connection.fileDescriptor
            var event = epoll_event()
            event.events = EPOLLIN.rawValue
            event.data.u64 = UInt64(index)
            guard epoll_ctl(self.epoll, EPOLL_CTL_ADD, connection.fileDescriptor, &event) == 0
            else { throw ClientError(.cannotReceive, "epoll_ctl", status: errno) }
        }
    }

    deinit {
        close(self.epoll)
        self.clients.deallocate()
        self.replies.deallocate()
    }

    func run(_ meter: Meter) throws(ClientError) {
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: self.clients.count)
        defer { events.deallocate() }
        meter.begin()
        for index in self.clients.indices { try self.sendNext(index) }
        while self.active > 0 {
            let count = epoll_wait(
                self.epoll, events.baseAddress, Int32(events.count), Self.patienceMilliseconds)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                for _ in 0..<self.active { meter.fail("no reply") }
                if !meter.hasEnded { throw ClientError(.timedOut, "\(self.active) clients") }
                return
            }
            let time = now()
            for event in events[..<Int(count)] {
                try self.receive(Int(event.data.u64), time, meter)
            }
        }
    }

    @inline(__always)
    private func receive(_ index: Int, _ time: UInt64, _ meter: Meter) throws(ClientError) {
        guard let base = self.replies.baseAddress else { return }
        let client = self.clients[index]
        let reply = base + index * Self.replyBytes
        let count = recv(
            client.socket, reply + client.filled, Self.replyBytes - client.filled,
            Int32(MSG_DONTWAIT))
        guard count > 0 else {
            throw ClientError(count == 0 ? .closed : .cannotReceive, status: errno)
        }
        let filled = client.filled + count
        switch self.expected[client.step].check(
            UnsafeRawBufferPointer(start: reply, count: filled))
        {
        case .good: break
        case .incomplete:
            guard filled < Self.replyBytes else { throw ClientError(.badReply, "too long") }
            self.clients[index].filled = filled
            return
        case .bad(let what): meter.fail(what)
        }
        // Where clients take turns, a hand-over counts and not the unlock before it.
        if !self.takesTurns || client.step == 0 { meter.record(from: client.sentAt, to: time) }
        self.clients[index].filled = 0
        self.clients[index].step = (client.step + 1) % self.requests[index].count
        // Everyone ends unlocked, so that those who wait for a lock get theirs.
        if meter.hasEnded, self.clients[index].step == 0 {
            self.active -= 1
        } else {
            try self.sendNext(index)
        }
    }

    @inline(__always)
    private func sendNext(_ index: Int) throws(ClientError) {
        let client = self.clients[index]
        self.clients[index].sentAt = now()
        let sent = self.requests[index][client.step].withUnsafeBytes {
            Glibc.send(
                client.socket, $0.baseAddress, $0.count,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        guard sent == self.requests[index][client.step].count else {
            throw ClientError(.cannotSend, status: errno)
        }
    }
}
