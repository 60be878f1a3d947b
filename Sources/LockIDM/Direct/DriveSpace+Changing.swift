internal import LockCore

// Converting and releasing what is held.
extension DriveSpace {
    // MARK: Convert

    func convert(
        _ lock: LockID, to mode: LockMode, publishing stamp: ChangeStamp?, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        guard self.holds[lock]?.isInDoubt == false else {
            throw LockManagerError(.notHeld, doing: doing)
        }
        await self.settle(lock)
        defer { self.holds[lock]?.isBusy = false }
        guard let hold = self.holds[lock], !self.isLost else {
            throw LockManagerError(.lockLost, doing: doing)
        }
        let begin = self.time.now
        let errand = MutexErrand(
            mode == .exclusive ? .convert : .refresh, lock, by: self.host,
            as: mode == .exclusive ? .exclusive : .shared, countdown: self.countdown)
        let outcomes = await hold.drives.run { hold.held[$0] ? errand : nil }
        guard outcomes.heldCount >= hold.drives.majority.toTake else {
            return try await self.failedToConvert(lock, hold, outcomes, doing)
        }
        self.holds[lock]?.mode = mode
        self.holds[lock]?.confirmed = begin
        for (place, outcome) in outcomes.enumerated() {
            if outcome == .notHeld || outcome == .inTheWay { self.holds[lock]?.held[place] = false }
        }
        if let stamp {
            try await self.publish(stamp, lock, hold.drives, doing)
            return .held(StampReading(known: stamp, highest: stamp))
        }
        guard mode == .exclusive else { return .held(.unclear) }
        return .held(await self.reading(lock, isTakenOver: outcomes.hasTakenOver))
    }

    /// Goes back to the class that the lock had. Where that fails too, a later refresh does it.
    private func failedToConvert(
        _ lock: LockID, _ hold: Hold, _ outcomes: [MutexErrand.Outcome?], _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        let lost = outcomes.count(of: .notHeld)
        guard hold.held.count(where: { $0 }) - lost >= hold.drives.majority.toKeep else {
            self.lose("the drives do not have \(lock.description) any more", certainFor: .zero)
            throw LockManagerError(.lockLost, hold: .unknown, doing: doing)
        }
        let (host, countdown, mutexClass) = (self.host, self.countdown, hold.mutexClass)
        let undone = await hold.drives.run { place in
            switch outcomes[place] {
            case .held, .failed:
                MutexErrand(.refresh, lock, by: host, as: mutexClass, countdown: countdown)
            default: nil
            }
        }
        let isUndone = undone.allSatisfy { $0 == nil || $0?.isHeld == true }
        if outcomes.contains(.inTheWay) {
            let rivals = await self.rivals(lock, hold.drives)
            let strongest = rivals.max { $0.value < $1.value }
            return .inTheWay(Contention(owner: strongest.map { Host($0.key) }))
        }
        // Where others may share it already, it is shared.
        if !isUndone { self.holds[lock]?.mode = .shared }
        throw Self.storageFailed(outcomes, hold: isUndone ? .unchanged : .unknown, doing)
    }

    /// Writes a stamp although the lock stays held: drives take it when a mutex is unlocked, and so
    /// a second holder shares the lock for a moment.
    private func publish(
        _ stamp: ChangeStamp, _ lock: LockID, _ drives: DriveSet, _ doing: String
    ) async throws(LockManagerError) {
        let (helper, countdown) = (HostID.random(), self.countdown)
        let taken = await drives.run { _ in
            MutexErrand(.take, lock, by: helper, as: .shared, countdown: countdown)
        }
        let written = await drives.run { place in
            taken[place]?.isHeld == true || taken[place]?.isFailed == true
                ? MutexErrand(.release(stamp), lock, by: helper, as: .shared) : nil
        }
        guard written.count(of: .released) >= drives.majority.toTake else {
            throw Self.storageFailed(taken + written, hold: .unknown, doing)
        }
    }

    // MARK: Release

    func release(
        _ lock: LockID, leaving stamp: StampLeft, _ doing: String
    ) async throws(LockManagerError) {
        guard let known = self.holds[lock], !known.isOrphan, self.finishers[lock] == nil else {
            return
        }
        await self.settle(lock)
        guard let hold = self.holds[lock] else { return }
        let outcomes = await self.unlock(lock, hold, stamp)
        // A few drives that keep it are in nobody's way, and it runs out there.
        let failed = outcomes.failedCount
        guard failed >= hold.drives.majority.toKeep else {
            self.holds[lock] = nil
            return
        }
        self.finish(lock, hold, stamp)
        throw Self.storageFailed(outcomes, hold: .unknown, doing)
    }

    private func unlock(
        _ lock: LockID, _ hold: Hold, _ stamp: StampLeft
    ) async -> [MutexErrand.Outcome?] {
        let purpose: MutexErrand.Purpose
        switch stamp {
        case .stamp(let stamp): purpose = .release(stamp)
        case .blank: purpose = .discard
        case .asItIs: purpose = .release(nil)
        }
        let errand = MutexErrand(purpose, lock, by: self.host, as: hold.mutexClass)
        return await hold.drives.run { hold.held[$0] || hold.isInDoubt ? errand : nil }
    }

    /// Lets go in the background, until that works or the countdown has run out.
    private func finish(_ lock: LockID, _ hold: Hold, _ stamp: StampLeft) {
        self.holds[lock]?.isInDoubt = true
        let end = self.time.now + self.access.countdown
        self.finishers[lock] = Task { [weak self, time] in
            var pause = Duration.milliseconds(10)
            while !Task.isCancelled, time.now < end {
                // Only the end of the lockspace, or somebody who wants the lock, cuts it short.
                try? await time.sleep(until: time.now + pause)
                guard !Task.isCancelled, let self else { return }
                let outcomes = await self.unlock(lock, hold, stamp)
                if outcomes.failedCount < hold.drives.majority.toKeep { break }
                pause = min(pause * 2, .seconds(2))
            }
            await self?.finished(lock)
        }
    }

    private func finished(_ lock: LockID) {
        guard self.finishers.removeValue(forKey: lock) != nil else { return }
        self.holds[lock] = nil
    }

    /// Somebody wants the lock whose release is not finished.
    func stopFinishing(_ lock: LockID) async {
        guard let finisher = self.finishers.removeValue(forKey: lock) else { return }
        finisher.cancel()
        await finisher.value
        self.holds[lock] = nil
    }
}
