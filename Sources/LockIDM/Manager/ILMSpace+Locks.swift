internal import LockCore

// Taking, converting and releasing through the manager.
extension ILMSpace {
    // MARK: Take

    func take(
        _ lock: LockID, _ mode: LockMode, drives: [String], adopting: Adoption, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        await self.stopFinishing(lock)
        let line = try await self.line(for: lock, doing)
        // From here on the lock belongs to this connection, whatever comes.
        self.holds[lock] = Hold(
            line: line, mode: mode, drives: drives, isInDoubt: true, isBusy: true)
        do throws(ILMError) {
            // The manager needs 5 s to find out that somebody is in the way.
            if try await self.isTaken(lock, mode, drives, line) {
                self.holds[lock] = nil
                return .inTheWay(Contention())
            }
            do throws(ILMError) {
                try await self.acquire(lock, mode, drives, line)
            } catch {
                guard error.result == .refused else { throw error }
                // A refusal can mean anything. If nobody is there, it means the drives.
                guard try await self.count(lock, drives, line).others > 0 else { throw error }
                self.holds[lock] = nil
                return .inTheWay(Contention())
            }
        } catch {
            throw self.failedToTake(lock, error, doing)
        }
        self.holds[lock]?.isInDoubt = false
        defer { self.holds[lock]?.isBusy = false }
        return .held(try await self.reading(lock, mode, drives, line, doing))
    }

    private func isTaken(
        _ lock: LockID, _ mode: LockMode, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> Bool {
        let held: ILMMode
        do throws(ILMError) {
            held = try await self.call(line, for: lock) { connection throws(ILMError) in
                try await connection.mode(of: lock, drives: drives)
            }
        } catch {
            // The drives do not agree, or cannot be read; asking for the lock tells more.
            guard error.result == .refused || error.result == .unreadable else { throw error }
            return false
        }
        guard held == .exclusive || (held == .shareable && mode == .exclusive) else { return false }
        return try await self.count(lock, drives, line).others > 0
    }

    func count(
        _ lock: LockID, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> ILMHostCount {
        try await self.call(line, for: lock) { connection throws(ILMError) in
            try await connection.hostCount(of: lock, drives: drives)
        }
    }

    private func acquire(
        _ lock: LockID, _ mode: LockMode, _ drives: [String], _ line: Line
    ) async throws(ILMError) {
        let countdown = self.access.countdown
        try await self.call(line, for: lock) { connection throws(ILMError) in
            do throws(ILMError) {
                try await connection.lock(
                    lock, ILMMode(mode), drives: drives, countdown: countdown)
            } catch {
                // Held from a call whose outcome was unknown.
                guard error.result == .busy else { throw error }
                try await connection.unlock(lock)
                try await connection.lock(
                    lock, ILMMode(mode), drives: drives, countdown: countdown)
            }
        }
    }

    private func failedToTake(
        _ lock: LockID, _ error: ILMError, _ doing: String
    ) -> LockManagerError {
        // What the manager refused at once, or was never sent, had no effect.
        let isWithoutEffect =
            error.result == .tooFewDrives || error.result == .invalid || error.code == .invalid
        if isWithoutEffect {
            self.holds[lock] = nil
        } else {
            self.holds[lock]?.isBusy = false
        }
        return LockManagerError(error, hold: isWithoutEffect ? .unchanged : .unknown, doing)
    }

    /// What the drives say about the stamp. Sharers may have a word that is not written yet, and
    /// whoever shares with them must not rely on what is.
    private func reading(
        _ lock: LockID, _ mode: LockMode, _ drives: [String], _ line: Line, _ doing: String
    ) async throws(LockManagerError) -> StampReading {
        do throws(ILMError) {
            let isShared =
                mode == .shared ? try await self.count(lock, drives, line).others > 0 : false
            let stamp = try await self.call(line, for: lock) { connection throws(ILMError) in
                ChangeStamp(valueBlock: try await connection.readValueBlock(of: lock))
            }
            self.holds[lock]?.written = stamp
            return StampReading(
                known: isShared ? nil : stamp, highest: stamp,
                isBlank: !isShared && stamp == .none)
        } catch {
            guard !error.endsConnection else {
                throw LockManagerError(error, hold: .unknown, doing)
            }
            return .unclear
        }
    }

    // MARK: Convert

    func convert(
        _ lock: LockID, to mode: LockMode, publishing stamp: ChangeStamp?, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        guard let hold = self.holds[lock], !hold.isInDoubt else {
            throw LockManagerError(.notHeld, doing: doing)
        }
        self.holds[lock]?.isBusy = true
        defer { self.holds[lock]?.isBusy = false }
        let line = hold.line
        do throws(ILMError) {
            try await self.call(line, for: nil) { connection throws(ILMError) in
                try await connection.convert(lock, to: ILMMode(mode))
            }
        } catch {
            return try await self.failedToConvert(lock, to: mode, hold, error, doing)
        }
        self.holds[lock]?.mode = mode
        if let stamp {
            try await self.publish(stamp, lock, hold, doing)
            return .held(StampReading(known: stamp, highest: stamp))
        }
        guard mode == .exclusive else { return .held(.unclear) }
        return .held(try await self.reading(lock, mode, hold.drives, line, doing))
    }

    private func failedToConvert(
        _ lock: LockID, to mode: LockMode, _ hold: Hold, _ error: ILMError, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        let line = hold.line
        if error.result == .expired {
            self.lose("the lease of \(lock) has expired", certainFor: .zero)
            throw LockManagerError(error, hold: .unknown, doing)
        }
        guard error.result == .refused, mode == .exclusive else {
            throw LockManagerError(error, hold: .unknown, doing)
        }
        do throws(ILMError) {
            let count = try await self.count(lock, hold.drives, line)
            guard count.others > 0 else { throw error }
            return .inTheWay(Contention())
        } catch {
            throw LockManagerError(error, hold: .unknown, doing)
        }
    }

    /// Writes a stamp although the lock stays held: the manager writes when a lock is let go, and
    /// so a second holder shares it for a moment.
    private func publish(
        _ stamp: ChangeStamp, _ lock: LockID, _ hold: Hold, _ doing: String
    ) async throws(LockManagerError) {
        do throws(ILMError) {
            try await hold.line.connection.writeValueBlock(stamp.valueBlock, of: lock)
            self.holds[lock]?.written = stamp
        } catch {
            if error.endsConnection { await self.broke(hold.line, besides: nil, "\(error)") }
            throw LockManagerError(error, hold: .unknown, doing)
        }
        let helper = try await self.connect(doing)
        do throws(ILMError) {
            try await helper.connection.lock(
                lock, .shareable, drives: hold.drives, countdown: self.access.countdown)
            try await helper.connection.writeValueBlock(stamp.valueBlock, of: lock)
            try await helper.connection.unlock(lock)
            await helper.connection.close()
        } catch {
            await helper.connection.close()
            throw LockManagerError(error, hold: .unknown, doing)
        }
    }

    // MARK: Release

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
        case .stamp(let stamp): written = stamp
        case .blank: break
        case .asItIs(let next):
            // Alone, this host finds the last word on the drives. Beside others it may not be the
            // last, and must not come back.
            if try await self.count(lock, hold.drives, hold.line).others > 0 {
                written = next
            } else {
                _ = try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                    try await connection.readValueBlock(of: lock)
                }
                return
            }
        }
        guard let written, written != hold.written else { return }
        try await self.call(hold.line, for: nil) { connection throws(ILMError) in
            try await connection.writeValueBlock(written.valueBlock, of: lock)
        }
    }

    private func isFree(_ lock: LockID, _ hold: Hold) async -> Bool {
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
        do throws(ILMError) {
            guard try await self.count(lock, hold.drives, hold.line).isHeldBySelf else {
                return true
            }
            try await self.acquire(lock, hold.mode, hold.drives, hold.line)
            _ = try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.readValueBlock(of: lock)
            }
            try await self.call(hold.line, for: nil) { connection throws(ILMError) in
                try await connection.unlock(lock)
            }
            return true
        } catch {
            return error.endsConnection
        }
    }

    private func finished(_ lock: LockID) {
        guard self.finishers.removeValue(forKey: lock) != nil else { return }
        self.holds[lock] = nil
    }

    /// Somebody wants the lock whose release is not finished: its connection can have it.
    private func stopFinishing(_ lock: LockID) async {
        guard let finisher = self.finishers.removeValue(forKey: lock) else { return }
        finisher.cancel()
        await finisher.value
    }

    // MARK: Checks

    /// Looks whether everything is still there. Returns when the lockspace was last seen alive.
    func check(lastSeen: Duration) async -> Duration {
        guard !self.isLost, !self.isEnded, let membership = self.membership else {
            return lastSeen
        }
        let begin = self.time.now
        let limit = self.access.giveUp
        // Whoever was not running for so long may have lost everything meanwhile.
        guard begin - lastSeen <= limit + self.access.checkInterval else {
            self.lose("this host was not able to look after its locks", certainFor: .zero)
            return lastSeen
        }
        var seen = lastSeen
        do throws(ILMError) {
            let count = try await self.count(
                self.request.group.members, self.request.lockspace.drives, membership)
            if count.isHeldBySelf {
                seen = begin
            } else {
                self.lose("the lease has expired on the drives", certainFor: .zero)
            }
        } catch {
            // Drives that do not answer may answer again before the time is over.
        }
        if self.time.now - seen > limit {
            self.lose("the drives have not answered for \(limit)", certainFor: .zero)
        }
        for (line, calls) in self.lines where calls == 0 {
            if await line.connection.isClosed(), !self.isEnded {
                await self.broke(line, besides: nil, "the lock manager closed a connection")
            }
        }
        await self.checkHolds()
        return seen
    }

    private func checkHolds() async {
        for (lock, hold) in self.holds where !hold.isInDoubt && !hold.isBusy {
            guard !self.isLost, !self.isEnded, await self.isFree(lock, hold) else { continue }
            // A call may have come in between.
            guard let now = self.holds[lock], now.line === hold.line, !now.isBusy,
                !now.isInDoubt
            else { continue }
            if await self.isFree(lock, hold), self.holds[lock]?.isBusy == false {
                self.lose("the lease of \(lock) has expired on the drives", certainFor: .zero)
            }
        }
    }
}
