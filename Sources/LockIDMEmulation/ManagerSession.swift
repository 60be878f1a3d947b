internal import Glibc
internal import LockCore
internal import LockIDM

/// One client of an emulated IDM lock manager. It has a thread that serves it, and one that renews
/// what it holds.
final class ManagerSession: Sendable {
    struct State {
        var hasLockspace = false
        var host: HostID
        var isRenewing = true
        /// Something could not be renewed: nothing is any more, for good.
        var hasFailed = false
        var signal: Int32?
        var killPath: String?
        var locks: [LockID: HeldLock] = [:]
        var isOver = false
    }

    let stream: UnixStream
    let manager: EmulatedLockManager
    let state: Guarded<State>
    private let number: UInt64
    private let process: Int32

    init(_ number: UInt64, _ manager: EmulatedLockManager, _ stream: UnixStream, process: Int32) {
        self.number = number
        self.manager = manager
        self.stream = stream
        self.process = process
        var host: [UInt8] = []
        host.appendLittleEndian(process)
        host += repeatElement(0, count: 12)
        self.state = Guarded(
            State(host: HostID(padding: host + manager.uuid)),
            label: "holdfast.emulated-ilm.session")
    }

    func holdsAny(_ matches: (LockID) -> Bool) -> Bool {
        self.state.with { $0.locks.keys.contains(where: matches) }
    }

    // MARK: Serving

    /// Serves until the client goes, or says something that is no request.
    func serve() {
        do throws(UnixStream.Failure) {
            while try self.serveOne() {}
        } catch {
            // The client has gone, which is how every conversation ends.
        }
        self.stream.shutDown()
        blockThread(for: self.manager.behaviour.closeDelay)
        self.state.with { state in
            state.isOver = true
            if !self.manager.isDead {
                for lock in state.locks.values {
                    _ = self.release(lock, state.host, discards: true)
                }
            }
            state.locks = [:]
        }
        self.manager.ended(self.number)
    }

    private func serveOne() throws(UnixStream.Failure) -> Bool {
        let bytes = try self.stream.receive(ILMHeader.size, within: nil)
        guard let header = ILMHeader(bytes),
            let command = ILMRequest.Command(rawValue: header.command)
        else { return false }
        var consumed = ILMHeader.size
        guard let reply = try self.answer(command, &consumed) else { return true }
        if Self.drained.contains(command) { self.stream.drain(Int(header.length) - consumed) }
        // What a connection's end is to look like has happened already.
        if reply.result == .min { return false }
        let noise = UInt32.random(in: 0...UInt32.max)
        try self.stream.send(reply.encoded(noise: noise), within: .seconds(10))
        return true
    }

    /// Of these the manager throws away what it did not expect.
    private static let drained: Set<ILMRequest.Command> = [
        .acquire, .hostCount, .mode, .version, .setKillPath,
    ]

    /// Nil for no reply at all.
    private func answer(
        _ command: ILMRequest.Command, _ consumed: inout Int
    ) throws(UnixStream.Failure) -> ILMReply? {
        func take(_ count: Int) throws(UnixStream.Failure) -> [UInt8] {
            consumed += count
            return try self.stream.receive(count, within: nil)
        }
        switch command {
        case .addLockspace:
            self.state.with { $0.hasLockspace = true }
            startThread { [weak self] in Self.renew { self } }
            return ILMReply(result: 0)
        case .deleteLockspace: return self.deleteLockspace()
        case .stopRenewal: return self.set { $0.isRenewing = false }
        case .startRenewal: return self.set { $0.isRenewing = true }
        case .setSignal:
            let number = Self.number(try take(4))
            return self.set(result: 4) { $0.signal = number }
        case .setKillPath:
            var reader = ByteReader(try take(2 * ILMLimits.killField))
            let path = reader.text(inField: ILMLimits.killField) ?? ""
            let arguments = reader.text(inField: ILMLimits.killField) ?? ""
            return self.set(result: 128) { $0.killPath = "\(path) \(arguments)" }
        case .setHostID:
            guard let host = HostID(bytes: try take(HostID.size)) else { return nil }
            guard self.manager.claim(host, for: self.number) else {
                return ILMReply(result: ILMResult.busy.rawValue)
            }
            return self.set { $0.host = host }
        case .injectFailures:
            let percent = Self.number(try take(4))
            guard (0...100).contains(percent) else {
                return ILMReply(result: ILMResult.invalid.rawValue)
            }
            self.manager.state.with { $0.failurePercent = percent }
            return ILMReply(result: 4)
        case .writeValueBlock:
            guard let payload = ILMLockPayload(try take(ILMLockPayload.size)) else {
                return ILMReply(result: ILMResult.invalid.rawValue)
            }
            // Of a lock that is not held the value stays unread, and is taken for a request.
            guard self.state.with({ $0.locks[payload.lock] != nil }) else {
                return ILMReply(result: ILMResult.refused.rawValue)
            }
            let value = ChangeStamp(valueBlock: try take(ILMLimits.valueBlock))
            return self.set { $0.locks[payload.lock]?.value = value }
        case .version, .acquire, .release, .convert, .readValueBlock, .hostCount, .mode:
            guard let payload = ILMLockPayload(try take(ILMLockPayload.size)) else {
                return ILMReply(result: ILMResult.invalid.rawValue)
            }
            var paths: [String] = []
            for _ in 0..<min(payload.driveCount, 512) {
                var field = ByteReader(try take(ILMLimits.pathField))
                paths.append(field.text(inField: ILMLimits.pathField) ?? "")
            }
            return self.answer(command, payload, paths)
        }
    }

    func deleteLockspace() -> ILMReply? {
        let had = self.state.with { state in
            defer {
                // What is still held stays on the drives, and nobody renews it.
                state.locks = [:]
                state.hasLockspace = false
            }
            return state.hasLockspace
        }
        return had ? ILMReply(result: 0) : nil
    }

    private func set(result: Int32 = 0, _ body: (inout State) -> Void) -> ILMReply {
        self.state.with { state in
            guard state.hasLockspace else { return ILMReply(result: ILMResult.invalid.rawValue) }
            body(&state)
            return ILMReply(result: result)
        }
    }

    private static func number(_ bytes: [UInt8]) -> Int32 {
        var reader = ByteReader(bytes)
        return reader.littleEndian() ?? 0
    }

    // MARK: Renewing

    /// Renews until the session is over.
    private static func renew(_ session: () -> ManagerSession?) {
        while let self = session(), !self.state.with({ $0.isOver }) {
            let isOut = self.state.with { state -> Bool in
                guard !state.hasFailed, state.isRenewing, state.hasLockspace else { return false }
                return self.renewAll(&state)
            }
            if isOut { self.kill() }
            blockThread(for: self.manager.behaviour.renewalInterval)
        }
    }

    /// True if a lock has to be given up.
    private func renewAll(_ state: inout State) -> Bool {
        for (id, lock) in state.locks {
            guard lock.renewed.duration(to: .now) <= self.manager.behaviour.giveUp else {
                state.hasFailed = true
                return true
            }
            state.locks[id] = self.renewed(lock, state.host)
        }
        return false
    }

    /// The kill path wins; the signal is for those who have none.
    private func kill() {
        let (path, signal) = self.state.with { ($0.killPath, $0.signal) }
        if let path {
            if let shell = popen(path, "r") { pclose(shell) }
        } else if let signal {
            _ = Glibc.kill(self.process, signal)
        }
    }
}
