internal import LockCore

/// A connection to an IDM lock manager: one lockspace of it, and one holder towards the drives.
///
/// The manager lets go of whatever is held on a connection when that closes. Every call is one
/// round trip and waits for its turn; calls that must not wait for each other belong on different
/// connections. Any failure of the connection itself closes it, and all calls fail from then on.
public final class ILMConnection: Sendable {
    /// How long calls may take.
    public struct TimeLimits: Hashable, Sendable {
        /// To connect.
        public var connecting = Duration.seconds(5)
        /// To send a request: 2 MiB if it names 512 drives.
        public var sending = Duration.seconds(10)
        /// For an answer. The manager tries for 5 s to get a lock, and waits for a drive for 15 s;
        /// either can come on top of the other.
        public var answering = Duration.seconds(40)

        /// The limits that go with a real manager.
        public init() {}
    }

    private let stream: UnixStream
    private let limits: TimeLimits
    private let executor = BlockingExecutor(label: "holdfast.ilm-connection")

    /// Connects to the manager and makes a lockspace.
    public convenience init(
        connectingTo path: String, limits: TimeLimits = TimeLimits()
    ) async throws(ILMError) {
        let executor = BlockingExecutor(label: "holdfast.ilm-connect")
        let stream = try await executor.run { () throws(ILMError) in
            do throws(UnixStream.Failure) {
                return try UnixStream(connectingTo: path, within: limits.connecting)
            } catch {
                throw ILMError(.unreachable, error, doing: "connect to \(path)")
            }
        }
        self.init(stream, limits: limits)
        _ = try await self.ask(.addLockspace, "make a lockspace")
    }

    /// Speaks on a stream that is connected already, without making a lockspace.
    package init(_ stream: UnixStream, limits: TimeLimits = TimeLimits()) {
        self.stream = stream
        self.limits = limits
    }

    /// Does somebody listen on the socket? Says nothing to the manager.
    public static func canConnect(to path: String) async -> Bool {
        await BlockingExecutor(label: "holdfast.ilm-connect").run {
            do throws(UnixStream.Failure) {
                _ = try UnixStream(connectingTo: path, within: .milliseconds(500))
                return true
            } catch {
                // No room for more callers right now: somebody is there.
                return error == .timedOut
            }
        }
    }

    /// Closes the connection after the calls that have begun.
    public func close() async {
        await self.executor.run { [stream] in stream.close() }
    }

    /// Has the manager closed the connection? Waits for calls that have begun.
    public func isClosed() async -> Bool {
        await self.executor.run { [stream] in stream.isEnded }
    }

    // MARK: Locks

    /// Takes a lock that this connection does not hold. Refused after about 5 s of trying.
    ///
    /// - Parameters:
    ///   - drives: Paths of the drives, at most ``ILMLimits/drives``; most of them must be there.
    ///   - countdown: After so long without renewal others may break the lock. The manager renews
    ///     it every second, for as long as the connection lives.
    public func lock(
        _ lock: LockID, _ mode: ILMMode, drives: [String], countdown: Duration
    ) async throws(ILMError) {
        let doing = "lock \(lock)"
        try Self.check(drives, doing)
        guard (1...Int64(Int32.max)).contains(countdown.milliseconds) else {
            throw ILMError(.invalid, doing: doing, reason: "a countdown of \(countdown)")
        }
        let timeout = Int32(countdown.milliseconds)
        _ = try await self.ask(
            .acquire(lock, mode, drives: drives, timeoutMilliseconds: timeout), doing)
    }

    /// Lets go of a lock. Whatever comes of it, the connection does not hold it any more.
    public func unlock(_ lock: LockID) async throws(ILMError) {
        _ = try await self.ask(.release(lock), "unlock \(lock)")
    }

    /// Changes the mode of a lock that this connection holds.
    public func convert(_ lock: LockID, to mode: ILMMode) async throws(ILMError) {
        _ = try await self.ask(.convert(lock, mode), "convert \(lock)")
    }

    /// Hands over the value block that ``unlock(_:)`` will write.
    ///
    /// Only for a lock that this connection holds: of any other, the manager takes the value for
    /// the next request, and drops the connection with all that is held on it.
    ///
    /// - Parameter value: 8 bytes; the last one is lost.
    public func writeValueBlock(_ value: [UInt8], of lock: LockID) async throws(ILMError) {
        let doing = "write the value block of \(lock)"
        guard value.count == ILMLimits.valueBlock else {
            throw ILMError(.invalid, doing: doing, reason: "it has \(value.count) bytes, not 8")
        }
        _ = try await self.ask(.writeValueBlock(lock, value), doing)
    }

    /// Reads the value block from the drives; what ``writeValueBlock(_:of:)`` handed over before is
    /// dropped. All ones after a lock that was broken: not to be trusted.
    public func readValueBlock(of lock: LockID) async throws(ILMError) -> [UInt8] {
        try await self.ask(.readValueBlock(lock), "read the value block of \(lock)")
    }

    /// Counts the hosts that hold a lock. If this connection does, on the drives it was taken on.
    public func hostCount(
        of lock: LockID, drives: [String]
    ) async throws(ILMError) -> ILMHostCount {
        let doing = "count the holders of \(lock)"
        try Self.check(drives, doing)
        let data = try await self.ask(.hostCount(lock, drives: drives), doing)
        guard let count = ILMHostCount(data) else { throw Self.malformed(doing) }
        return count
    }

    /// In which mode most drives hold a lock, whoever has it.
    public func mode(of lock: LockID, drives: [String]) async throws(ILMError) -> ILMMode {
        let doing = "read the mode of \(lock)"
        try Self.check(drives, doing)
        var reader = ByteReader(try await self.ask(.mode(lock, drives: drives), doing))
        guard let mode: UInt32 = reader.littleEndian() else { throw Self.malformed(doing) }
        return ILMMode(rawValue: mode)
    }

    /// Which version of the mutexes a drive has; the manager wants a path that is its own.
    public func version(
        of drive: String
    ) async throws(ILMError) -> (major: UInt8, minor: UInt8) {
        let doing = "read the version of \(drive)"
        try Self.check([drive], doing)
        let data = try await self.ask(.version(drive: drive), doing)
        return (data[0], data[1])
    }

    // MARK: The connection as a whole

    /// What the manager does to this process when it has not been able to renew a lock for 50 s,
    /// unless there is a kill path.
    public func setSignal(_ number: Int32) async throws(ILMError) {
        _ = try await self.ask(.setSignal(number), "set the signal")
    }

    /// What the manager runs, in a shell, when it has not been able to renew a lock for 50 s.
    ///
    /// - Parameters:
    ///   - path: A program, at most 127 bytes.
    ///   - arguments: Its arguments as the shell takes them, at most 127 bytes.
    public func setKillPath(_ path: String, arguments: String) async throws(ILMError) {
        let doing = "set the kill path"
        for text in [path, arguments] where text.utf8.count >= ILMLimits.killField {
            throw ILMError(.invalid, doing: doing, reason: "more than 127 bytes: \(text)")
        }
        _ = try await self.ask(.setKillPath(path, arguments: arguments), doing)
    }

    /// As whom the drives know this connection. Only before the first lock; without it, all
    /// connections of a process are the same holder, and do not keep each other out.
    public func setHostID(_ host: HostID) async throws(ILMError) {
        _ = try await self.ask(.setHostID(host), "set the host id")
    }

    /// Lets the locks of this connection run out. (The manager has it for tests.)
    public func stopRenewal() async throws(ILMError) {
        _ = try await self.ask(.stopRenewal, "stop renewal")
    }

    /// Ends what ``stopRenewal()`` began.
    public func startRenewal() async throws(ILMError) {
        _ = try await self.ask(.startRenewal, "start renewal")
    }

    /// Lets that share of the drives fail, for every client of the manager. (For tests.)
    public func injectFailures(percent: Int32) async throws(ILMError) {
        _ = try await self.ask(.injectFailures(percent: percent), "inject failures")
    }

    /// Ends the lockspace. Locks that are still held stay on the drives until they run out, and the
    /// manager may take the next client's lockspace for this one when the connection closes;
    /// ``unlock(_:)`` and ``close()`` are the better end.
    public func deleteLockspace() async throws(ILMError) {
        _ = try await self.ask(.deleteLockspace, "delete the lockspace")
    }

    // MARK: One round trip

    private func ask(_ request: ILMRequest, _ doing: String) async throws(ILMError) -> [UInt8] {
        let (stream, limits) = (self.stream, self.limits)
        let reply = try await self.executor.run { () throws(ILMError) in
            do throws(UnixStream.Failure) {
                // All of it in one write: the manager waits for the rest of a request with every
                // other client behind it.
                try stream.send(request.encoded, within: limits.sending)
                let head = try stream.receive(ILMHeader.size, within: limits.answering)
                // Data comes with result 0 alone; a count of bytes in its place says nothing.
                let size = request.command.replySize
                guard let header = ILMHeader(head), header.result <= 0 || size == 0 else {
                    throw UnixStream.Failure.system(0)
                }
                let count = header.result == 0 ? size : 0
                return ILMReply(
                    result: header.result,
                    data: try stream.receive(count, within: limits.answering))
            } catch {
                stream.close()
                if error == .system(0) { throw Self.malformed(doing) }
                throw ILMError(.closed, error, doing: doing)
            }
        }
        if let refusal = reply.refusal {
            throw ILMError(.refused, doing: doing, reason: "\(refusal)", result: refusal)
        }
        return reply.data
    }

    private static func malformed(_ doing: String) -> ILMError {
        ILMError(.malformed, doing: doing, reason: "the answer is not one of an IDM lock manager")
    }

    private static func check(_ drives: [String], _ doing: String) throws(ILMError) {
        guard (1...ILMLimits.drives).contains(drives.count) else {
            throw ILMError(
                .invalid, doing: doing,
                reason: "\(drives.count) drives; there must be 1 to \(ILMLimits.drives)")
        }
        for drive in drives {
            guard (1..<ILMLimits.pathField).contains(drive.utf8.count), !drive.utf8.contains(0)
            else {
                throw ILMError(.invalid, doing: doing, reason: "no path of a drive: \(drive)")
            }
        }
    }
}

extension ILMError {
    init(_ code: Code, _ failure: UnixStream.Failure, doing: String) {
        switch failure {
        case .system(let status):
            self.init(code, doing: doing, reason: systemText(status), status: status)
        case .ended:
            self.init(code, doing: doing, reason: "the manager closed the connection")
        case .timedOut:
            self.init(.timedOut, doing: doing, reason: "the manager did not answer in time")
        }
    }
}
