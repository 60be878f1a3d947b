import LVMWire
import LockCore
import NIOCore

/// One connection: cuts what comes into requests, hands them to the lock service one after the
/// other, each only after the reply to the one before, and writes the replies.
///
/// Everything here runs on the loop that is also the service's executor, so a request that the
/// lock manager answers at once is answered within ``channelRead(context:data:)``.
final class ClientSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

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
    private static let completionTime = TimeAmount.milliseconds(800)

    let server: ServerContext
    var state = State.opening
    /// Who the client is to the service; nil before it is admitted and after it is gone.
    private(set) var client: Client.ID?
    private(set) var processID: Int32 = 0
    var name = ""
    /// The client as log lines name it; empty when it has to be made anew.
    var label: [UInt8] = []
    private(set) var connection: ChannelHandlerContext?
    /// This session, for closures that come back to the loop.
    private(set) var onLoop: NIOLoopBound<ClientSession>?
    /// Takes the service's replies. There is one at a time, to the request under way.
    private(set) var takeReply: (@Sendable (Reply) -> Void)?
    /// The request that has no reply yet, if the service has it.
    var underWay: Request?

    /// The reply being written. Both are kept, to be used again for the next one.
    private var output: [UInt8] = []
    private var outputBuffer = ByteBuffer()
    private var reader = FrameReader()
    /// Complete requests that came before the one under way was answered.
    private var ahead = CircularBuffer<[UInt8]>()
    private var isServing = false
    private var isHoldingReads = false
    private var completionTimer: Scheduled<Void>?

    init(_ server: ServerContext) {
        self.server = server
    }

    // MARK: The connection's life

    func handlerAdded(context: ChannelHandlerContext) {
        self.connection = context
        let onLoop = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.onLoop = onLoop
        self.takeReply = { onLoop.value.answered($0) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.connection = nil
        self.onLoop = nil
        self.takeReply = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let peer = PeerCredentials.ofPeer(context.channel) else {
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
        self.server.opened(context.channel)
        self.state = .idle
        self.client = self.server.service.assumeIsolated {
            $0.openClient(processID: peer.processID)
        }
        self.label = []
        self.traceConnection("new")
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// A client that never reads keeps its replies in our memory, up to a limit.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard !context.channel.isWritable else { return }
        self.server.log.log(
            .warning, "closing \(self.name)[\(self.processID)], which reads no replies")
        context.close(promise: nil)
    }

    /// The client gets no further reply: its waiting requests and transient locks go.
    private func end() {
        self.completionTimer?.cancel()
        self.completionTimer = nil
        self.state = .ended
        self.ahead.removeAll()
        guard let client = self.client else { return }
        self.traceConnection("close")
        self.client = nil
        self.server.service.assumeIsolated { $0.closeClient(client) }
        if let channel = self.connection?.channel { self.server.closed(channel) }
    }

    // MARK: Requests come in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ended = self.state { return }
        Self.unwrapInboundIn(data).withUnsafeReadableBytes { self.reader.append($0) }
        self.serve()
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
        if handled > 0 { self.connection?.flush() }
        self.keepAhead()
        self.watchCompletion(isUnfinished)
    }

    private func serveLater() {
        guard let onLoop = self.onLoop else { return }
        self.server.loop.execute { onLoop.value.serve() }
    }

    private func nextFrame() -> [UInt8]? {
        if let frame = self.ahead.popFirst() { return frame }
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
        // Setting it to true reads at once.
        try? self.connection?.channel.syncOptions?.setOption(.autoRead, value: !isTooMuch)
    }

    /// Sees to it that a request that has begun does not stay unfinished.
    private func watchCompletion(_ isUnfinished: Bool) {
        guard case .idle = self.state, isUnfinished else {
            self.completionTimer?.cancel()
            self.completionTimer = nil
            return
        }
        guard self.completionTimer == nil else { return }
        self.completionTimer = self.server.loop.assumeIsolated().scheduleTask(
            in: Self.completionTime
        ) {
            self.completionTimer = nil
            guard case .idle = self.state else { return }
            self.refuse("the request does not end: its last line must be ##")
        }
    }

    // MARK: Replies go out

    /// Puts the next reply together.
    func fillOutput(_ fill: (inout [UInt8]) -> Void) {
        self.output.removeAll(keepingCapacity: true)
        fill(&self.output)
    }

    /// Writes the reply. `deliver` hears, once that is decided, whether the kernel has taken it.
    func write(_ deliver: ((_ wasTaken: Bool) -> Void)? = nil) {
        guard let connection = self.connection else { deliver?(false); return }
        var promise: EventLoopPromise<Void>?
        if let deliver {
            let sent = connection.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenComplete { result in
                if case .success = result { deliver(true) } else { deliver(false) }
            }
            promise = sent
        }
        self.outputBuffer.clear()
        self.outputBuffer.writeBytes(self.output)
        connection.write(Self.wrapOutboundOut(self.outputBuffer), promise: promise)
        if !self.isServing { connection.flush() }
    }

    /// Writes the reply as the last thing, and closes.
    func writeLast() {
        self.state = .ended
        self.write()
        // What the kernel does not take at once would wait for a client that does not read.
        self.connection?.flush()
        self.connection?.close(promise: nil)
    }
}
