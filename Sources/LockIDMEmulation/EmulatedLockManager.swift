internal import Glibc
internal import LockCore
public import LockIDM

/// The IDM lock manager of one host, emulated: it serves propeller's socket protocol on emulated
/// drives. Several of them on the same drives are several hosts.
///
/// ```swift
/// let drives = EmulatedDriveBank(drives: 3)
/// let manager = try EmulatedLockManager(
///     host: 1, drives: drives, paths: ["/dev/sda": 0, "/dev/sdb": 1, "/dev/sdc": 2],
///     socketPath: "/tmp/ilm1/main.sock")
/// ```
public final class EmulatedLockManager: Sendable {
    /// How the manager behaves. The defaults are what propeller does.
    public struct Behaviour: Sendable {
        /// How long it tries to get a lock that somebody else has.
        public var acquireLimit = Duration.seconds(5)
        /// How often it renews what is held.
        public var renewalInterval = Duration.seconds(1)
        /// It gives a lock up that it could not renew for so long, and runs the kill path.
        public var giveUp = Duration.seconds(50)
        /// How long after a client's end it lets go of what that held.
        public var closeDelay = Duration.milliseconds(300)
        /// Propeller 0.9.3 removes a mutex after every unlock, and with it the value. Its tests of
        /// value blocks pass only without.
        public var destroysAfterUnlock = false

        /// What propeller does, but for ``destroysAfterUnlock``.
        public init() {}
    }

    /// What goes wrong with one command.
    public enum Fault: Hashable, Sendable {
        /// The storage fails (`EIO`) before the command takes effect.
        case fails
        /// The storage fails in the middle: it may have taken effect.
        case failsInTheMiddle
        /// The answer comes so much later.
        case delay(Duration)
        /// The connection ends instead of an answer.
        case closes
        /// The manager ends the connection's lockspace in place of one that ended before.
        case losesLockspace
    }

    /// Which commands a fault strikes.
    public enum Kind: Hashable, Sendable {
        /// ACQUIRE.
        case acquire
        /// CONVERT.
        case convert
        /// RELEASE.
        case release
        /// HOST_COUNT, which only a delay strikes.
        case hostCount
    }

    struct Strike {
        var kind: Kind
        var lock: LockID
        var fault: Fault
    }

    struct State {
        var failurePercent: Int32 = 0
        var isDead = false
        var isClosed = false
        var hostIDs: [HostID: UInt64] = [:]
        var sessions: [UInt64: ManagerSession] = [:]
        var lastSession: UInt64 = 0
        var strikes: [Strike] = []
        var random = SmallRandom(seed: 1)
    }

    let host: Int
    let drives: EmulatedDriveBank
    let paths: [String: Int]
    let behaviour: Behaviour
    let state: Guarded<State>
    /// Where it listens.
    public let socketPath: String
    private let listener: Int32
    /// A UUID of this start, with which the host ids end that clients do not choose.
    let uuid = (0..<16).map { _ in UInt8.random(in: 0...255) }

    /// Listens on the socket, whose folder has to exist.
    ///
    /// - Parameters:
    ///   - host: As whom the drives know this host's cable.
    ///   - paths: Which path leads to which drive. Several may lead to one.
    public init(
        host: Int, drives: EmulatedDriveBank, paths: [String: Int], socketPath: String,
        behaviour: Behaviour = Behaviour()
    ) throws(DriveError) {
        self.host = host
        self.drives = drives
        self.paths = paths
        self.behaviour = behaviour
        self.socketPath = socketPath
        self.state = Guarded(State(), label: "holdfast.emulated-ilm")
        self.listener = try SocketListener.open(socketPath)
        let (listener, manager) = (self.listener, WeakManager(self))
        startThread {
            SocketListener.accept(on: listener) { manager.value?.begin($0) }
        }
    }

    deinit { self.closeSocket() }

    /// Ends the manager and every connection, as when its machine loses power: what is held stays
    /// on the drives and runs out.
    public func crash() {
        let sessions = self.state.with { state in
            state.isDead = true
            return Array(state.sessions.values)
        }
        for session in sessions {
            // Also when the machine is up again, nobody lets go of what this one held.
            session.state.with { $0.locks = [:] }
            session.stream.shutDown()
        }
    }

    /// Ends the manager and every connection for good. What is held stays on the drives.
    public func stop() {
        self.crash()
        self.closeSocket()
    }

    private func closeSocket() {
        let isFirst = self.state.with { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { SocketListener.close(self.listener, self.socketPath) }
    }

    /// Starts again after ``crash()``.
    public func restart() {
        self.state.with { $0.isDead = false }
    }

    /// Ends the connections on which a lock is held that matches, as if their clients had gone.
    public func closeConnections(holding matches: (LockID) -> Bool) {
        let sessions = self.state.with { Array($0.sessions.values) }
        for session in sessions where session.holdsAny(matches) { session.stream.shutDown() }
    }

    /// Puts a fault in store for the next such command for a lock.
    public func strike(_ kind: Kind, of lock: LockID, with fault: Fault) {
        self.state.with { $0.strikes.append(Strike(kind: kind, lock: lock, fault: fault)) }
    }

    // MARK: For sessions

    private func begin(_ descriptor: Int32) {
        let stream = UnixStream(descriptor)
        let process = SocketListener.peerProcess(of: descriptor)
        let session = self.state.with { state -> ManagerSession? in
            guard !state.isDead else { return nil }
            state.lastSession += 1
            let session = ManagerSession(state.lastSession, self, stream, process: process)
            state.sessions[state.lastSession] = session
            return session
        }
        if let session { startThread { session.serve() } }
    }

    func ended(_ session: UInt64) {
        self.state.with { state in
            state.sessions[session] = nil
            state.hostIDs = state.hostIDs.filter { $0.value != session }
        }
    }

    var isDead: Bool { self.state.with { $0.isDead } }

    /// False if another session uses the id.
    func claim(_ host: HostID, for session: UInt64) -> Bool {
        self.state.with { state in
            if let owner = state.hostIDs[host], owner != session { return false }
            state.hostIDs = state.hostIDs.filter { $0.value != session }
            state.hostIDs[host] = session
            return true
        }
    }

    func takeStrike(_ kind: Kind, of lock: LockID) -> Fault? {
        self.state.with { state in
            let index = state.strikes.firstIndex { $0.kind == kind && $0.lock == lock }
            guard let fault = index.map({ state.strikes.remove(at: $0).fault }) else { return nil }
            guard fault == .failsInTheMiddle else { return fault }
            return state.random.number(below: 2) == 0 ? .fails : .failsInTheMiddle
        }
    }

    /// A command to one drive of a lock, the drives being counted in the order of the request.
    func perform(
        _ command: DriveCommand, on drive: Int, place: Int
    ) throws(DriveError) -> DriveAnswer {
        let (percent, isDead) = self.state.with { ($0.failurePercent, $0.isDead) }
        guard !isDead, !Self.fails(percent: Int(percent), place: place) else {
            throw DriveError(drive: "drive \(drive)", reason: "an injected failure", status: EIO)
        }
        return try self.drives.perform(command, on: drive, from: self.host)
    }

    /// Which of a lock's drives fail at a percentage: every so many, or all but every so many.
    static func fails(percent: Int, place: Int) -> Bool {
        switch percent {
        case ...0: return false
        case 100...: return true
        case 51...:
            let good = 100 - percent
            return place % ((100 + good / 2) / good) != 0
        default: return place % ((100 + percent / 2) / percent) == 0
        }
    }
}

/// The accepting thread must not keep the manager alive.
private final class WeakManager: Sendable {
    private let manager: Guarded<Box>

    private struct Box {
        weak var manager: EmulatedLockManager?
    }

    init(_ manager: EmulatedLockManager) {
        self.manager = Guarded(Box(manager: manager), label: "holdfast.emulated-ilm.weak")
    }

    var value: EmulatedLockManager? { self.manager.with { $0.manager } }
}
