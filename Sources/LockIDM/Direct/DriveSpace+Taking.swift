internal import LockCore

// Taking a lock on most of its drives.
extension DriveSpace {
    /// How often a host tries whose rivals got as many drives as it did, and the longest pause in
    /// between.
    private static let attempts = 10
    private static let longestPauseMicroseconds = 20_000

    func take(
        _ lock: LockID, _ mode: LockMode, drives paths: [String], adopting: Adoption,
        _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        await self.stopFinishing(lock)
        guard !self.isLost else { throw LockManagerError(.lockLost, doing: doing) }
        let drives = await DriveSet.open(paths, with: self.access.openDrive)
        guard !drives.isHopeless else {
            throw LockManagerError(
                .deviceUnavailable, layer: .storage, doing: doing,
                advice: "\(drives.drives.count) of \(drives.majority.total) drives are there, "
                    + "and it takes \(drives.majority.toTake)"
                    + (drives.missing.first.map { ": \($0)" } ?? ""))
        }
        if let orphan = self.holds[lock], orphan.isOrphan {
            return try await self.adopt(lock, mode, drives, adopting, orphan, doing)
        }
        if adopting == .required { return .noOrphan }
        self.holds[lock] = Hold(
            mode: mode, drives: drives, held: drives.drives.map { _ in false },
            confirmed: self.time.now, isInDoubt: true, isBusy: true)
        for attempt in 1...Self.attempts {
            var begin = self.time.now
            var outcomes = await self.attempt(lock, mode, drives)
            if outcomes.heldCount >= drives.majority.toTake {
                if self.time.now - begin > self.access.giveUp / 2 {
                    // The countdown may have begun long ago.
                    begin = self.time.now
                    outcomes = await self.refreshed(lock, mode, drives, outcomes)
                }
                if outcomes.heldCount >= drives.majority.toTake {
                    let answer = await self.took(lock, outcomes, begin)
                    // What came too late is as good as nothing.
                    guard !self.isLost else {
                        throw LockManagerError(.lockLost, hold: .unknown, doing: doing)
                    }
                    return answer
                }
            }
            let answer = try await self.missed(lock, mode, drives, outcomes, attempt, doing)
            if let answer { return answer }
            let pause = Int.random(in: 500...Self.longestPauseMicroseconds)
            // A task that is cancelled tries the sooner.
            try? await self.time.sleep(until: self.time.now + .microseconds(pause))
        }
        self.holds[lock] = nil
        return .inTheWay(Contention(isPassing: true))
    }

    /// Asks every drive; one that is full once more, after something was removed.
    private func attempt(
        _ lock: LockID, _ mode: LockMode, _ drives: DriveSet
    ) async -> [MutexErrand.Outcome?] {
        let errand = MutexErrand(
            .take, lock, by: self.host, as: mode == .exclusive ? .exclusive : .shared,
            countdown: self.countdown)
        var outcomes = await drives.run { _ in errand }
        let full = outcomes.indices.filter { outcomes[$0] == .full }
        guard !full.isEmpty else { return outcomes }
        for place in full { await drives.evictOldest(at: place, by: self.host) }
        let again = await drives.run { full.contains($0) ? errand : nil }
        for place in full { outcomes[place] = again[place] }
        return outcomes
    }

    private func refreshed(
        _ lock: LockID, _ mode: LockMode, _ drives: DriveSet, _ outcomes: [MutexErrand.Outcome?]
    ) async -> [MutexErrand.Outcome?] {
        let errand = MutexErrand(
            .refresh, lock, by: self.host, as: mode == .exclusive ? .exclusive : .shared,
            countdown: self.countdown)
        let again = await drives.run { outcomes[$0]?.isHeld == true ? errand : nil }
        return again.indices.map { place in
            // A drive that was taken over stays one whose stamp is not to be trusted.
            again[place]?.isHeld == true ? outcomes[place] : again[place] ?? outcomes[place]
        }
    }

    private func took(
        _ lock: LockID, _ outcomes: [MutexErrand.Outcome?], _ begin: Duration
    ) async -> MutexAnswer {
        // What a drive that failed made of it is unknown; the next refresh will tell.
        self.holds[lock]?.held = outcomes.map { $0?.isHeld == true || $0?.isFailed == true }
        self.holds[lock]?.confirmed = begin
        self.holds[lock]?.isInDoubt = false
        let reading = await self.reading(lock, isTakenOver: outcomes.hasTakenOver)
        self.holds[lock]?.isBusy = false
        return .held(reading)
    }

    /// Lets go of the few drives that were won. Nil to try again.
    private func missed(
        _ lock: LockID, _ mode: LockMode, _ drives: DriveSet, _ outcomes: [MutexErrand.Outcome?],
        _ attempt: Int, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer? {
        let (host, mutexClass) = (self.host, mode == .exclusive ? MutexClass.exclusive : .shared)
        let undone = await drives.run { place in
            switch outcomes[place] {
            case .held, .failed:
                MutexErrand(.release(nil), lock, by: host, as: mutexClass)
            default: nil
            }
        }
        let missing = drives.majority.total - drives.drives.count
        guard outcomes.failedCount + missing < drives.majority.toKeep else {
            let isUndone = undone.failedCount == 0
            if isUndone {
                self.holds[lock] = nil
            } else {
                self.holds[lock]?.isBusy = false
            }
            throw Self.storageFailed(
                outcomes, hold: isUndone ? .unchanged : .unknown, doing)
        }
        let rivals = await self.rivals(lock, drives)
        guard let strongest = rivals.max(by: { $0.value < $1.value }) else { return nil }
        // With fewer drives than that, a rival has got no further than this host.
        let isHolder = strongest.value >= drives.majority.toKeep
        guard isHolder || attempt == Self.attempts else { return nil }
        self.holds[lock] = nil
        return .inTheWay(Contention(owner: Host(strongest.key), isPassing: !isHolder))
    }

    /// On how many drives others hold the lock.
    func rivals(_ lock: LockID, _ drives: DriveSet) async -> [HostID: Int] {
        let host = self.host
        let votes = await drives.records { $0.lock == lock && $0.host != host && $0.isLive }
        var rivals: [HostID: Int] = [:]
        for record in votes.compactMap({ $0 }).flatMap({ $0 }) {
            rivals[record.host, default: 0] += 1
        }
        return rivals
    }

    /// What the drives say about the stamp. It is certain when most of them say the same, for then
    /// every later majority has one of these; and when nobody shares the lock whose last word is
    /// still to come.
    func reading(_ lock: LockID, isTakenOver: Bool) async -> StampReading {
        guard let hold = self.holds[lock] else { return .unclear }
        let host = self.host
        let votes = await hold.drives.records { $0.lock == lock && $0.isHeld }.compactMap { $0 }
        let own = votes.compactMap { $0.first { $0.host == host }?.value }
        let highest = own.filter { !$0.isUnknown }.max { $0.rawValue < $1.rawValue } ?? .none
        let isShared = votes.contains { $0.contains { $0.host != host } }
        guard !isShared, !isTakenOver, own.count >= hold.drives.majority.toTake else {
            return StampReading(known: nil, highest: highest)
        }
        let agreeing = own.count { $0 == highest }
        let isCertain = agreeing >= hold.drives.majority.toTake
        return StampReading(
            known: isCertain ? highest : nil, highest: highest,
            isBlank: isCertain && highest == .none)
    }

    static func storageFailed(
        _ outcomes: [MutexErrand.Outcome?], hold: LockManagerError.Hold, _ doing: String
    ) -> LockManagerError {
        var errors: [String] = []
        var status: Int32?
        for outcome in outcomes {
            if case .failed(let error) = outcome {
                errors.append("\(error)")
                status = status ?? error.status
            }
            if outcome == .full { errors.append("a drive has no room for another mutex") }
        }
        return LockManagerError(
            .storageFailed, hold: hold, layer: .storage, doing: doing, status: status,
            advice: "half of the lock's drives or more fail: "
                + errors.prefix(3).joined(separator: "; "))
    }

    // MARK: Orphans

    /// Finds what an earlier process holds on the lockspace's drives, and keeps it alive.
    func findOrphans() async {
        let drives = await DriveSet.open(
            self.request.lockspace.drives, with: self.access.openDrive)
        for (lock, records) in await self.leftovers(on: drives) {
            let isExclusive = records.contains { $0?.mutexClass == .exclusive }
            let places = records.indices.filter { records[$0] != nil }
            let own = DriveSet(places.map { drives.drives[$0] })
            self.holds[lock] = Hold(
                mode: isExclusive ? .exclusive : .shared, drives: own,
                held: places.map { _ in true },
                confirmed: self.time.now, isOrphan: true)
        }
    }

    /// This host's records of locks that this process does not know of, by lock and drive.
    private func leftovers(on drives: DriveSet) async -> [LockID: [MutexRecord?]] {
        let (host, group, members) = (self.host, self.request.group, self.members)
        let votes = await drives.records {
            $0.host == host && $0.isHeld && $0.lock.isBeside(group) && $0.lock != members
        }
        var found: [LockID: [MutexRecord?]] = [:]
        for (place, records) in votes.enumerated() {
            for record in records ?? [] where self.holds[record.lock] == nil {
                let none = [MutexRecord?](repeating: nil, count: votes.count)
                found[record.lock, default: none][place] = record
            }
        }
        return found
    }

    private func adopt(
        _ lock: LockID, _ mode: LockMode, _ drives: DriveSet, _ adopting: Adoption, _ orphan: Hold,
        _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        guard adopting != .none else {
            throw LockManagerError(.orphanInTheWay, doing: doing, advice: "adopt or purge it")
        }
        guard orphan.mode == mode else { return .orphanInOtherMode }
        await self.settle(lock)
        let begin = self.time.now
        let errand = MutexErrand(
            .refresh, lock, by: self.host, as: orphan.mutexClass, countdown: self.countdown)
        let outcomes = await drives.run { _ in errand }
        guard outcomes.heldCount >= drives.majority.toKeep else {
            self.holds[lock]?.isBusy = false
            let failed = outcomes.failedCount
            guard failed == 0 else { throw Self.storageFailed(outcomes, hold: .unchanged, doing) }
            self.holds[lock] = nil
            return .noOrphan
        }
        self.holds[lock] = Hold(
            mode: mode, drives: drives, held: outcomes.map { $0?.isHeld == true },
            confirmed: begin, isBusy: true)
        let reading = await self.reading(lock, isTakenOver: false)
        self.holds[lock]?.isBusy = false
        return .held(reading)
    }

    func purge(_ doing: String) async throws(LockManagerError) {
        for (lock, hold) in self.holds where hold.isOrphan {
            await self.settle(lock)
            self.holds[lock] = nil
        }
        let drives = await DriveSet.open(
            self.request.lockspace.drives, with: self.access.openDrive)
        var failures: [MutexErrand.Outcome?] = []
        for (lock, records) in await self.leftovers(on: drives) {
            guard self.holds[lock] == nil else { continue }
            let host = self.host
            failures += await drives.run { place in
                records[place].map {
                    MutexErrand(.release(nil), lock, by: host, as: $0.mutexClass)
                }
            }.filter { $0?.isFailed == true }
        }
        if !failures.isEmpty { throw Self.storageFailed(failures, hold: .unchanged, doing) }
    }
}
