internal import LockCore

// Letting go through the manager, if need be in the background.
extension ILMSpace {
    func release(
        _ lock: LockID, leaving stamp: StampLeft, _ doing: String
    ) async throws(LockManagerError) {
        guard let hold = self.holds[lock], self.finishers[lock] == nil else { return }
        self.holds[lock]?.isBusy = true
        do throws(ILMError) {
            if !hold.isInDoubt { try await self.leave(stamp, lock, hold) }
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.unlock(lock)
            }
            // To the manager that worked also where no drive has answered.
            if await !self.isReleased(lock, hold) {
                throw ILMError(
                    .refused, doing: doing, reason: "the drives do not answer",
                    result: .storageFailed)
            }
            self.holds[lock] = nil
        } catch {
            // Who let go of nothing has nothing.
            if error.result == .refused, hold.isInDoubt, await self.isFree(lock, hold) {
                self.holds[lock] = nil
                return
            }
            guard !error.endsConnection else {
                // The manager lets go of what was held on it.
                self.holds[lock] = nil
                throw LockManagerError(error, hold: .unknown, doing)
            }
            self.finish(lock, hold)
            throw LockManagerError(error, hold: .unknown, doing)
        }
    }

    /// Tells the manager what to write, where that is not what it has read.
    private func leave(
        _ stamp: StampLeft, _ lock: LockID, _ hold: Hold
    ) async throws(ILMError) {
        var written = hold.written
        switch stamp {
        case _ where hold.owesStamp:
            try await self.keepMutex(lock, hold)
            let found = try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                ChangeStamp(valueBlock: try await connection.readValueBlock(of: lock))
            }
            written = .following(found, nowMicroseconds: hostMicroseconds())
        case .stamp(let stamp): written = stamp
        case .blank: return
        case .asItIs(let next):
            // Alone, this host finds the last word on the drives. Beside others it may not be the
            // last, and must not come back.
            if try await self.count(lock, hold.drives, hold.line).others > 0 {
                written = next
            } else {
                try await self.keepMutex(lock, hold)
                _ = try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                    try await connection.readValueBlock(of: lock)
                }
                return
            }
        }
        if let written, written != hold.written {
            self.holds[lock]?.owesStamp = true
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.writeValueBlock(written.valueBlock, of: lock)
            }
        }
        // Right before letting go: a sharer that has gone meanwhile leaves this one the last.
        try await self.keepMutex(lock, hold)
    }

    /// With its last sharer a mutex goes, and its stamp. On a drive that could not be reached an
    /// old one would stay, and count again. So the last sharer lets go as an exclusive holder;
    /// whoever is refused that is not the last.
    private func keepMutex(_ lock: LockID, _ hold: Hold) async throws(ILMError) {
        guard hold.mode == .shared else { return }
        do throws(ILMError) {
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.convert(lock, to: .exclusive)
            }
        } catch {
            guard error.code == .refused else { throw error }
        }
    }

    /// Have most of the drives let go?
    private func isReleased(_ lock: LockID, _ hold: Hold) async -> Bool {
        do throws(ILMError) {
            let mode = try await self.heldMode(of: lock, hold.drives, hold.line)
            if mode == .unlocked { return true }
        } catch {
            return false
        }
        // Another host may have it by now, on some drives or on all.
        var free = 0
        for drive in hold.drives {
            var part = hold
            part.drives = [drive]
            if await self.isFree(lock, part) { free += 1 }
        }
        return free >= Majority(of: hold.drives.count).toTake
    }

    func isFree(_ lock: LockID, _ hold: Hold) async -> Bool {
        do throws(ILMError) {
            return try await !self.count(lock, hold.drives, hold.line).isHeldBySelf
        } catch {
            return false
        }
    }

    /// Lets go of a lock in the background, until that works or the countdown has run out. The
    /// manager has forgotten the lock; taken once more, it can be let go of.
    private func finish(_ lock: LockID, _ hold: Hold) {
        self.holds[lock]?.isInDoubt = true
        let end = self.time.now + self.access.countdown
        self.finishers[lock] = Task { [weak self, time] in
            var pause = Duration.milliseconds(10)
            while !Task.isCancelled, time.now < end {
                if await self?.tryToFinish(lock, hold) != false { break }
                // Only the end of the lockspace, or somebody who wants the lock, cuts it short.
                try? await time.sleep(until: time.now + pause)
                pause = min(pause * 2, .seconds(2))
            }
            await self?.finished(lock)
        }
    }

    private func tryToFinish(_ lock: LockID, _ hold: Hold) async -> Bool {
        guard self.holds[lock]?.line === hold.line else { return true }
        if await self.isReleased(lock, hold) { return true }
        do throws(ILMError) {
            try await self.acquire(lock, hold.mode, hold.drives, hold.line)
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                // The stamp that was to be left may not have come through; what is there may be an
                // old one. A new one says that something has changed.
                let found = ChangeStamp(valueBlock: try await connection.readValueBlock(of: lock))
                let next = ChangeStamp.following(found, nowMicroseconds: hostMicroseconds())
                try await connection.writeValueBlock(next.valueBlock, of: lock)
            }
            try await self.keepMutex(lock, hold)
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.unlock(lock)
            }
            return await self.isReleased(lock, hold)
        } catch {
            return error.endsConnection
        }
    }

    private func finished(_ lock: LockID) {
        guard self.finishers.removeValue(forKey: lock) != nil else { return }
        self.holds[lock] = nil
    }

    /// Somebody wants the lock whose release is not finished: its connection can have it.
    func stopFinishing(_ lock: LockID) async {
        guard let finisher = self.finishers.removeValue(forKey: lock) else { return }
        finisher.cancel()
        await finisher.value
    }
}
