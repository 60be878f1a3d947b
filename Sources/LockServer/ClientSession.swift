import Glibc
import LVMWire
import LockCore

/// One connection: cuts what comes into requests, hands them to the lock service one after the
/// other, each only after the reply to the one before, and writes the replies.
///
/// Everything here runs on the loop that is also the service's executor, so a request that the
/// lock manager answers at once is answered in the loop's turn that it came in.
final class ClientSession: SocketHandler {
    /// Where the session is with its client.
    enum State {
        /// The kernel has not said yet who the client is. Next: idle, ended.
        case opening
        /// No request is under way. Next: answering, ended.
        case idle
        /// A request has no reply yet. Next: idle, ended.
        case answering
        /// The connection is gone, or goes once the last reply is written. Next: none.
        case ended
    }

    /// How long the rest of a request may take once its beginning is there and nothing stands
    /// before it. Every client gets an answer, or its connection closed, within a second.
    private static let completionTime = Duration.milliseconds(800)

    let descriptor: Int32
    let server: ServerContext
    var state = State.opening
    /// Who the client is to the service; nil before it is admitted and after it is gone.
    private(set) var client: Client.ID?
    private(set) var processID: Int32 = 0
    var name = ""
    /// The client as log lines name it; empty when it has to be made anew.
    var label: [UInt8] = []
    /// This session, for closures that come back to the loop; nil once the connection is closed.
    private(set) var onLoop: LoopBound<ClientSession>?
    /// Takes the service's replies. There is one at a time, to the request under way.
    private(set) var takeReply: (@Sendable (Reply) -> Void)?
    /// The request that has no reply yet, if the service has it.
    var underWay: Request?

    /// The replies being put together, and what the kernel has not taken of them.
    var output = SessionOutput()
    private var reader = FrameReader()
    /// Complete requests that came before the one under way was answered.
    private var ahead: [[UInt8]] = []
    private var isServing = false
    /// There are replies to send at the end of the loop's turn.
    private var isSending = false
    private var isHoldingReads = false
    private var watched = SocketEvents.readable
    private var completionTimer: EventLoop.Timer?

    /// The session of a connection that was taken.
    init(_ descriptor: Int32, _ server: ServerContext) {
        self.descriptor = descriptor
        self.server = server
    }

    // MARK: The connection's life

    /// Admits the client, or tells it why not, and serves what it has sent already.
    func start() {
        guard self.server.loop.add(self.descriptor, self.watched, self) else {
            Glibc.close(self.descriptor)
            return
        }
        let onLoop = LoopBound(self, to: self.server.loop)
        self.onLoop = onLoop
        self.takeReply = { onLoop.value.answered($0) }
        guard let peer = PeerCredentials.ofPeer(self.descriptor) else {
            return self.refuse("the system does not tell which user is connecting")
        }
        self.processID = peer.processID
        guard peer.isServed() else {
            return self.refuse(
                "user \(peer.userID) may not use the lock daemon; only root and its own user may")
        }
        let most = self.server.mostClients
        guard self.server.clients < most else {
            return self.refuse("\(most) clients are connected already, the limit")
        }
        self.server.opened(self)
        self.state = .idle
        self.client = self.server.service.assumeIsolated {
            $0.openClient(processID: peer.processID)
        }
        self.traceConnection("new")
        self.receive()
    }

    func ready(for events: SocketEvents) {
        if events.contains(.writable) { self.flush() }
        guard !self.isHoldingReads else {
            // It cannot be told in the usual way, as the last that there is to read.
            if !events.isDisjoint(with: .gone) { self.close() }
            return
        }
        if self.onLoop != nil, !events.isSubset(of: .writable) { self.receive() }
    }

    func turnEnds() {
        guard self.isSending else { return }
        self.isSending = false
        self.flush()
    }

    /// Closes the connection, after what has been answered in this turn was sent.
    func close() {
        self.turnEnds()
        guard self.onLoop != nil else { return }
        self.onLoop = nil
        self.takeReply = nil
        self.server.loop.close(self.descriptor)
        for delivery in self.output.removeAll() { self.settle(delivery, wasTaken: false) }
        self.end()
    }

    /// The client gets no further reply: its waiting requests and transient locks go.
    private func end() {
        self.stopWatchingCompletion()
        self.state = .ended
        self.ahead.removeAll()
        guard let client = self.client else { return }
        self.traceConnection("close")
        self.client = nil
        self.server.service.assumeIsolated { $0.closeClient(client) }
        self.server.closed(self)
    }

    // MARK: Requests come in

    private func receive() {
        let buffer = self.server.readBuffer
        let count = recv(self.descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 {
            if case .ended = self.state { return }
            self.reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            self.serve()
        } else if count == 0 || !(errno == EAGAIN || errno == EINTR) {
            self.close()
        }
    }

    /// Carries out what is there, until a request has to wait for its reply.
    func serve() {
        guard !self.isServing else { return }
        self.isServing = true
        defer { self.isServing = false }
        var handled = 0
        var isUnfinished = false
        while case .idle = self.state {
            guard handled < Limits.requestsAheadPerClient else {
                // Others come first; a client that sends much at once shall not delay them.
                self.serveLater()
                break
            }
            guard let frame = self.nextFrame() else {
                isUnfinished = self.reader.bufferedBytes > 0
                break
            }
            handled += 1
            self.handle(frame)
        }
        self.keepAhead()
        self.watchCompletion(isUnfinished)
    }

    private func serveLater() {
        guard let onLoop = self.onLoop else { return }
        self.server.loop.execute { onLoop.value.serve() }
    }

    private func nextFrame() -> [UInt8]? {
        if !self.ahead.isEmpty { return self.ahead.removeFirst() }
        do throws(WireError) {
            return try self.reader.next()
        } catch {
            self.refuse(error.description)
            return nil
        }
    }

    /// Sorts what came ahead of its time, and stops reading when that is enough.
    private func keepAhead() {
        if case .answering = self.state {
            while self.ahead.count < Limits.requestsAheadPerClient,
                let frame = try? self.reader.next()
            {
                self.ahead.append(frame)
            }
        }
        let isTooMuch = self.ahead.count >= Limits.requestsAheadPerClient
        guard isTooMuch != self.isHoldingReads else { return }
        self.isHoldingReads = isTooMuch
        self.watchSocket()
    }

    /// Sees to it that a request that has begun does not stay unfinished.
    private func watchCompletion(_ isUnfinished: Bool) {
        guard case .idle = self.state, isUnfinished else {
            return self.stopWatchingCompletion()
        }
        guard self.completionTimer == nil else { return }
        self.completionTimer = self.server.loop.schedule(after: Self.completionTime) {
            self.completionTimer = nil
            guard case .idle = self.state else { return }
            self.refuse("the request does not end: its last line must be ##")
        }
    }

    private func stopWatchingCompletion() {
        guard let timer = self.completionTimer else { return }
        self.server.loop.cancel(timer)
        self.completionTimer = nil
    }

    private func watchSocket() {
        var events: SocketEvents = self.isHoldingReads ? [] : .readable
        if self.output.count > 0 { events.insert(.writable) }
        guard events != self.watched, self.onLoop != nil else { return }
        self.watched = events
        self.server.loop.change(self.descriptor, to: events)
    }

    // MARK: Replies go out

    /// Sends the reply that was added to the output at the end of the loop's turn: replies that go
    /// out together wake a process that waits for several of them once. A client that has waited
    /// gets its reply at once, and whoever let go of the lock right after it.
    func write(_ delivery: Delivery? = nil) {
        guard self.onLoop != nil else {
            if let delivery { self.settle(delivery, wasTaken: false) }
            return
        }
        if let delivery { self.output.append(delivery) }
        guard self.isServing else {
            self.server.loop.endTurnSoon()
            return self.flush()
        }
        guard !self.isSending else { return }
        self.isSending = true
        self.server.loop.callAtEnd(self)
    }

    /// Sends what the kernel takes.
    func flush() {
        while self.output.count > 0 {
            let count = self.output.send {
                send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count < 0, errno != EINTR else { continue }
            guard errno == EAGAIN else { return self.close() }
            break
        }
        for delivery in self.output.removeTaken() { self.settle(delivery, wasTaken: true) }
        self.watchSocket()
        // A client that never reads keeps its replies in our memory, up to a limit.
        guard self.output.count > Limits.bytesTowardsClient else { return }
        self.server.log.log(
            .warning, "closing \(self.name)[\(self.processID)], which reads no replies")
        self.close()
    }

    /// Sends the reply as the last thing, and closes. What the kernel does not take at once would
    /// wait for a client that does not read.
    func writeLast() {
        self.state = .ended
        self.flush()
        self.close()
    }
}
