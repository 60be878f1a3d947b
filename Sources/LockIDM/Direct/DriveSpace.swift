internal import LockCore

/// A lockspace's mutexes, on the drives themselves.
///
/// A lock is held on more than half of its drives, and kept by refreshing it there. As long as it
/// is held on half of them, nobody else can get it; when fewer are left, or nothing could be
/// refreshed for too long, it is lost, and the lockspace with it.
actor DriveSpace: MutexSpace {
    /// A lock that is held, or may be.
    struct Hold {
        var mode: LockMode
        var drives: DriveSet
        /// On which drives it is held, as far as is known.
        var held: [Bool]
        /// It was last known to be this host's then. Taken before the drives were asked.
        var confirmed: Duration
        /// Nobody knows whether it is held.
        var isInDoubt = false
        /// An earlier process took it, and this one has not asked for it yet.
        var isOrphan = false
        /// A call changes it.
        var isBusy = false
        /// Refreshes it.
        var renewal: Task<Void, Never>?

        var mutexClass: MutexClass { self.mode == .exclusive ? .exclusive : .shared }
    }

    nonisolated var hostNumber: UInt64 { self.number }
    private nonisolated let number: UInt64
    let access: DriveAccess
    let request: SpaceRequest
    let host: HostID
    let time = SystemTime()
    private let notes: JoinNotes
    var holds: [LockID: Hold] = [:]
    var finishers: [LockID: Task<Void, Never>] = [:]
    private var renewer: Task<Void, Never>?
    var isEnded = false
    var isLost = false

    init(_ access: DriveAccess, _ request: SpaceRequest) {
        self.access = access
        self.request = request
        self.number = request.lockspace.hostID.map(UInt64.init) ?? access.hostID
        self.host = HostID(number: self.number, boot: access.bootID)
        self.notes = JoinNotes(folder: access.stateFolder, boot: access.bootID)
    }

    var members: LockID { self.request.group.members }
    var countdown: UInt64 { UInt64(self.access.countdown.milliseconds) }

    // MARK: Begin and end

    func begin(_ doing: String) async throws(LockManagerError) {
        let (notes, name) = (self.notes, self.request.lockspace.id.name)
        guard !name.utf8.contains(UInt8(ascii: "/")) else {
            throw LockManagerError(.badArguments, doing: doing, advice: "a name has no slash")
        }
        let executor = BlockingExecutor(label: "holdfast.idm-notes")
        if self.request.adopting == .required {
            guard await executor.run({ notes.all.contains(name) }) else {
                throw LockManagerError(
                    .noOrphan, doing: doing, advice: "no process of this boot has joined it")
            }
        }
        let answer = try await self.take(
            self.members, .shared, drives: self.request.lockspace.drives, adopting: .none, doing)
        guard case .held = answer else {
            throw LockManagerError(
                .managerFailed, doing: doing, advice: "another host is taking it apart")
        }
        if self.request.adopting != .none { await self.findOrphans() }
        guard await executor.run({ notes.add(name) }) else {
            try await self.end(doing)
            throw LockManagerError(
                .managerFailed, doing: doing,
                advice: "cannot write into \(self.access.stateFolder)")
        }
        self.renewer = Task { [weak self, time] in
            while !Task.isCancelled {
                guard let interval = self?.access.renewalInterval else { return }
                // Only the end of the lockspace cuts it short.
                try? await time.sleep(until: time.now + interval)
                guard !Task.isCancelled else { return }
                await self?.renewAll()
            }
        }
    }

    func end(_ doing: String) async throws(LockManagerError) {
        self.isEnded = true
        self.renewer?.cancel()
        for finisher in self.finishers.values { finisher.cancel() }
        await withTaskGroup { group in
            for lock in self.holds.keys { group.addTask { await self.letGo(lock) } }
        }
        let (notes, name) = (self.notes, self.request.lockspace.id.name)
        await BlockingExecutor(label: "holdfast.idm-notes").run { notes.remove(name) }
    }

    /// Once, and whatever comes of it: what stays on a drive runs out.
    private func letGo(_ lock: LockID) async {
        await self.settle(lock)
        guard let hold = self.holds.removeValue(forKey: lock) else { return }
        let (host, mutexClass) = (self.host, hold.mutexClass)
        _ = await hold.drives.run { _ in
            MutexErrand(.release(nil), lock, by: host, as: mutexClass)
        }
    }

    func lose(_ reason: String, certainFor: Duration) {
        guard !self.isLost, !self.isEnded else { return }
        self.isLost = true
        self.request.lost(reason, certainFor)
    }

    // MARK: Renewal

    /// Waits until nobody refreshes the lock, and keeps others from beginning to.
    func settle(_ lock: LockID) async {
        self.holds[lock]?.isBusy = true
        while let renewal = self.holds[lock]?.renewal { await renewal.value }
    }

    private func renewAll() {
        guard !self.isEnded else { return }
        for (lock, hold) in self.holds where !hold.isBusy && !hold.isInDoubt && hold.renewal == nil
        {
            self.holds[lock]?.renewal = Task { [weak self] in await self?.renew(lock) }
        }
        let now = self.time.now
        for (lock, hold) in self.holds where !hold.isInDoubt && !hold.isOrphan {
            let age = now - hold.confirmed
            guard age > self.access.giveUp else { continue }
            self.lose(
                "\(lock.description) could not be renewed for \(age)",
                certainFor: max(.zero, self.access.countdown - age))
        }
    }

    private func renew(_ lock: LockID) async {
        defer { self.holds[lock]?.renewal = nil }
        guard let hold = self.holds[lock] else { return }
        let begin = self.time.now
        // Who was away for too long must not go on as if nothing had happened.
        guard begin - hold.confirmed <= self.access.giveUp || hold.isOrphan else { return }
        let (host, countdown, mutexClass) = (self.host, self.countdown, hold.mutexClass)
        let outcomes = await hold.drives.run { place in
            hold.held[place]
                ? MutexErrand(.refresh, lock, by: host, as: mutexClass, countdown: countdown) : nil
        }
        var held = hold.held
        for (place, outcome) in outcomes.enumerated() {
            if outcome == .notHeld || outcome == .inTheWay { held[place] = false }
        }
        self.holds[lock]?.held = held
        guard held.count(where: { $0 }) >= hold.drives.majority.toKeep else {
            if hold.isOrphan {
                self.holds[lock] = nil
            } else {
                self.lose(
                    "the drives do not have \(lock.description) any more", certainFor: .zero)
            }
            return
        }
        guard outcomes.heldCount >= hold.drives.majority.toKeep else { return }
        self.holds[lock]?.confirmed = begin
        await self.regain(lock, hold, held)
    }

    /// Takes the lock on drives that do not have it, such as those that were away: the more, the
    /// more may fail later.
    private func regain(_ lock: LockID, _ hold: Hold, _ held: [Bool]) async {
        guard held.contains(false), !hold.isOrphan, !self.isLost else { return }
        let (host, countdown, mutexClass) = (self.host, self.countdown, hold.mutexClass)
        let outcomes = await hold.drives.run { place in
            held[place]
                ? nil : MutexErrand(.take, lock, by: host, as: mutexClass, countdown: countdown)
        }
        for (place, outcome) in outcomes.enumerated() where outcome?.isHeld == true {
            self.holds[lock]?.held[place] = true
        }
    }

    // MARK: Who is there

    func otherMembers(_ doing: String) async throws(LockManagerError) -> Int {
        guard let drives = self.holds[self.members]?.drives else {
            throw LockManagerError(.lockLost, doing: doing)
        }
        return try await self.holders(of: self.members, drives, doing)
            .count { $0 != self.host }
    }

    func holders(
        of lock: LockID, drives: [String], _ doing: String
    ) async throws(LockManagerError) -> [Host]? {
        let drives = await DriveSet.open(drives, with: self.access.openDrive)
        return try await self.holders(of: lock, drives, doing).map { Host($0) }
            .sorted { $0.id < $1.id }
    }

    private func holders(
        of lock: LockID, _ drives: DriveSet, _ doing: String
    ) async throws(LockManagerError) -> Set<HostID> {
        let votes = await drives.records { $0.lock == lock && $0.isLive }.compactMap { $0 }
        guard votes.count >= drives.majority.toKeep else {
            throw LockManagerError(
                .storageFailed, layer: .storage, doing: doing,
                advice: "half of the lock's drives or more do not answer")
        }
        return Set(votes.flatMap { $0.map(\.host) })
    }
}

extension Host {
    /// A holder, as the drives know it. One that has no number of ours gets one from its id.
    init(_ host: HostID) {
        let number = host.bytes.reduce(0xcbf2_9ce4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        self.init(id: host.number ?? number, state: .live)
    }
}
