internal import LockCore

/// A lockspace's mutexes, reached through the IDM lock manager on several connections.
///
/// A lock stays on the connection that took it. Another connection is another holder to the
/// drives, so that a lock in doubt is only ever asked for where it may be held already.
actor ILMSpace: MutexSpace {
    /// A connection, and what depends on it.
    final class Line: Sendable {
        let connection: ILMConnection
        let host: HostID

        init(_ connection: ILMConnection, _ host: HostID) {
            self.connection = connection
            self.host = host
        }
    }

    /// A lock that is held, or may be.
    struct Hold {
        var line: Line
        var mode: LockMode
        var drives: [String]
        /// What the manager is going to write when the lock is let go.
        var written: ChangeStamp?
        /// Nobody knows whether it is held.
        var isInDoubt = false
        /// A call about it is under way: what a check finds means nothing.
        var isBusy = false
        /// A stamp that was to be left may not have reached the drives, and what they say is old.
        var owesStamp = false
    }

    nonisolated var hostNumber: UInt64 { 0 }
    let access: ManagerAccess
    let request: SpaceRequest
    let time = SystemTime()
    /// For the membership alone, so that no slow call is ever in its way.
    var membership: Line?
    var lines: [(line: Line, calls: Int)] = []
    /// Connections that are being made.
    private var connecting = 0
    var holds: [LockID: Hold] = [:]
    /// What was said to be released and may not be.
    var finishers: [LockID: Task<Void, Never>] = [:]
    /// When the drives last said that this host is a member. Taken before they were asked.
    var lastSeen = Duration.zero
    var checkers: [Task<Void, Never>] = []
    var isEnded = false
    var isLost = false

    init(_ access: ManagerAccess, _ request: SpaceRequest) {
        self.access = access
        self.request = request
    }

    // MARK: Begin and end

    func begin(_ doing: String) async throws(LockManagerError) {
        // The manager hands the name to a shell, as it is.
        let isName = self.request.lockspace.volumeGroup.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "+_.-".contains($0))
        }
        guard isName || self.access.killPath == nil else {
            throw LockManagerError(
                .badArguments, doing: doing,
                advice: "a volume group's name is of letters, digits, and + _ . -")
        }
        let line = try await self.connect(doing)
        self.membership = line
        let connection = line.connection
        self.lastSeen = self.time.now
        do throws(ILMError) {
            try await connection.lock(
                self.request.group.members, .shareable, drives: self.request.lockspace.drives,
                countdown: self.access.countdown)
        } catch {
            await connection.close()
            throw LockManagerError(error, doing)
        }
        if let notes = self.access.notes {
            let name = self.request.lockspace.id.name
            // Without the note, a later process says less; nothing else depends on it.
            _ = await BlockingExecutor(label: "holdfast.idm-notes").run { notes.add(name) }
        }
        self.startChecks()
    }

    /// Releases everything, and closes. The manager would let go by itself, some time after.
    func end(_ doing: String) async throws(LockManagerError) {
        self.isEnded = true
        for checker in self.checkers { checker.cancel() }
        for finisher in self.finishers.values { finisher.cancel() }
        var held = self.holds.map { (lock: $0.key, connection: $0.value.line.connection) }
        if let membership = self.membership {
            held.append((self.request.group.members, membership.connection))
        }
        await withTaskGroup { group in
            for (lock, connection) in held {
                // Closing finishes what this does not.
                group.addTask { try? await connection.unlock(lock) }
            }
        }
        for (line, _) in self.lines { await line.connection.close() }
        await self.membership?.connection.close()
        self.holds = [:]
        self.lines = []
        if let notes = self.access.notes {
            let name = self.request.lockspace.id.name
            await BlockingExecutor(label: "holdfast.idm-notes").run { notes.remove(name) }
        }
    }

    func otherMembers(_ doing: String) async throws(LockManagerError) -> Int {
        guard let line = self.membership else { throw LockManagerError(.lockLost, doing: doing) }
        do throws(ILMError) {
            return try await self.count(
                self.request.group.members, self.request.lockspace.drives, line
            ).others
        } catch {
            throw LockManagerError(error, doing)
        }
    }

    func holders(
        of lock: LockID, drives: [String], _ doing: String
    ) async throws(LockManagerError) -> [Host]? { nil }

    func purge(_ doing: String) async throws(LockManagerError) {}

    // MARK: Connections

    func connect(_ doing: String) async throws(LockManagerError) -> Line {
        do throws(ILMError) {
            let connection = try await ILMConnection(
                connectingTo: self.access.socketPath, limits: self.access.limits)
            // Without an id of its own, the drives could not tell it from the others.
            let host = HostID.random()
            try await connection.setHostID(host)
            let group = self.request.lockspace.volumeGroup
            // There is nothing to deactivate for the global lock.
            if let kill = self.access.killPath, !group.isEmpty {
                try await connection.setKillPath(
                    kill.path, arguments: "\(kill.arguments) \(group)")
            }
            return Line(connection, host)
        } catch {
            throw LockManagerError(error, doing)
        }
    }

    /// The connection for a lock: its own if it is on one; else one that nobody uses, if possible
    /// one on which nothing is held. While there may be more, no call waits behind another.
    func line(for lock: LockID, _ doing: String) async throws(LockManagerError) -> Line {
        if let hold = self.holds[lock] { return hold.line }
        func weight(_ entry: (line: Line, calls: Int)) -> (Int, Int) {
            (entry.calls, self.holds.values.count { $0.line === entry.line })
        }
        if let best = self.lines.min(by: { weight($0) < weight($1) }) {
            let count = self.lines.count + self.connecting
            if count >= self.access.connectionsPerLockspace || weight(best) == (0, 0) {
                return best.line
            }
        }
        self.connecting += 1
        defer { self.connecting -= 1 }
        let line = try await self.connect(doing)
        guard !self.isEnded else {
            await line.connection.close()
            throw LockManagerError(.lockspaceNotFound, doing: doing)
        }
        self.lines.append((line, 0))
        return line
    }

    /// Makes a call on a connection. If that breaks, all that is held on it is lost, for the
    /// manager lets go of it.
    func call<Value: Sendable>(
        _ line: Line, for lock: LockID?,
        _ body: (ILMConnection) async throws(ILMError) -> Value
    ) async throws(ILMError) -> Value {
        self.count(line, 1)
        defer { self.count(line, -1) }
        do throws(ILMError) {
            return try await body(line.connection)
        } catch {
            if error.endsConnection { await self.broke(line, besides: lock, "\(error)") }
            throw error
        }
    }

    /// Closes a connection on which nothing is held.
    func retire(_ line: Line) async {
        guard !self.holds.values.contains(where: { $0.line === line }) else { return }
        self.lines.removeAll { $0.line === line }
        await line.connection.close()
    }

    private func count(_ line: Line, _ calls: Int) {
        guard let index = self.lines.firstIndex(where: { $0.line === line }) else { return }
        self.lines[index].calls += calls
    }

    /// A connection is gone. A lock that was just being taken on it is not held, and no loss.
    func broke(_ line: Line, besides lock: LockID?, _ reason: String) async {
        self.lines.removeAll { $0.line === line }
        let lostHolds = self.holds.filter { $0.value.line === line }
        for id in lostHolds.keys { self.holds[id] = nil }
        let isLoss =
            line === self.membership
            || lostHolds.contains { !($0.key == lock && $0.value.isInDoubt) }
        if isLoss { self.lose(reason, certainFor: .zero) }
        await line.connection.close()
    }

    func lose(_ reason: String, certainFor: Duration) {
        guard !self.isLost, !self.isEnded else { return }
        self.isLost = true
        self.request.lost(reason, certainFor)
    }
}

extension LockManagerError {
    /// What a failure of the manager or of the way to it means.
    init(_ error: ILMError, hold: Hold = .unchanged, _ doing: String) {
        let status = error.result?.rawValue ?? error.status
        if error.endsConnection {
            self.init(
                .managerUnavailable, hold: hold, layer: .daemon, doing: doing, status: status,
                advice: "the IDM lock manager: \(error.reason)")
            return
        }
        switch error.result {
        case .some(.tooFewDrives):
            self.init(
                .deviceUnavailable, hold: hold, doing: doing, status: status,
                advice: "half of the lock's drives or more are missing, or the lock manager "
                    + "cannot find them")
        case .some(.expired):
            self.init(.lockLost, hold: hold, doing: doing, status: status)
        case .some(.storageFailed), .some(.unreadable), .some(.refused):
            self.init(
                .storageFailed, hold: hold, layer: .storage, doing: doing, status: status,
                advice: "half of the lock's drives or more do not answer")
        default:
            self.init(
                .managerFailed, hold: hold, doing: doing, status: status,
                advice: "the IDM lock manager: \(error.reason)")
        }
    }
}
