internal import LockCore

// Taking and converting through the manager.
extension ILMSpace {
    // MARK: Take

    func take(
        _ lock: LockID, _ mode: LockMode, drives: [String], adopting: Adoption, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer {
        await self.stopFinishing(lock)
        guard !self.isLost else { throw LockManagerError(.lockLost, doing: doing) }
        let line = try await self.line(for: lock, doing)
        // From here on the lock belongs to this connection, whatever comes.
        self.holds[lock] = Hold(
            line: line, mode: mode, drives: drives, isInDoubt: true, isBusy: true,
            owesStamp: self.holds[lock]?.owesStamp ?? false)
        do throws(ILMError) {
            // The manager needs 5 s to find out that somebody is in the way.
            if try await self.isTaken(lock, mode, drives, line) {
                self.holds[lock] = nil
                return .inTheWay(Contention())
            }
            do throws(ILMError) {
                try await self.acquire(lock, mode, drives, line)
            } catch {
                // A refusal can mean anything. If nobody is in the way, it means the drives.
                guard error.result == .refused,
                    try await self.isInTheWay(of: lock, mode, drives, line)
                else { throw error }
                self.holds[lock] = nil
                return .inTheWay(Contention())
            }
        } catch {
            throw await self.failedToTake(lock, line, error, doing)
        }
        self.holds[lock]?.isInDoubt = false
        defer { self.holds[lock]?.isBusy = false }
        let reading = try await self.reading(lock, mode, drives, line, doing)
        // What came too late is as good as nothing.
        guard !self.isLost else {
            throw LockManagerError(.lockLost, hold: .unknown, doing: doing)
        }
        return .held(reading)
    }

    /// Before the lock is asked for: do most drives say that somebody is in the way?
    private func isTaken(
        _ lock: LockID, _ mode: LockMode, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> Bool {
        let held = try await self.heldMode(of: lock, drives, line)
        guard held == .exclusive || (held == .shareable && mode == .exclusive) else { return false }
        return try await self.count(lock, drives, line).others > 0
    }

    /// After a refusal: does any drive say so? Most of them may have failed.
    private func isInTheWay(
        of lock: LockID, _ mode: LockMode, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> Bool {
        guard try await self.count(lock, drives, line).others > 0 else { return false }
        guard mode == .shared else { return true }
        // Sharers are in each other's way nowhere.
        for drive in drives {
            if try await self.heldMode(of: lock, [drive], line) == .exclusive { return true }
        }
        return false
    }

    /// Nil if the drives do not agree, or cannot be read.
    func heldMode(
        of lock: LockID, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> ILMMode? {
        do throws(ILMError) {
            return try await self.call(line, for: lock) { connection throws(ILMError) in
                try await connection.mode(of: lock, drives: drives)
            }
        } catch {
            let means: [ILMResult] = [.refused, .unreadable, .tooFewDrives]
            guard let result = error.result, means.contains(result) else { throw error }
            return nil
        }
    }

    func count(
        _ lock: LockID, _ drives: [String], _ line: Line
    ) async throws(ILMError) -> ILMHostCount {
        try await self.call(line, for: lock) { connection throws(ILMError) in
            try await connection.hostCount(of: lock, drives: drives)
        }
    }

    func acquire(
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
        _ lock: LockID, _ line: Line, _ error: ILMError, _ doing: String
    ) async -> LockManagerError {
        // What the manager refused at once, or was never sent, had no effect.
        let isWithoutEffect =
            self.holds[lock]?.owesStamp == false
            && (error.result == .tooFewDrives || error.result == .invalid || error.code == .invalid)
        if isWithoutEffect {
            self.holds[lock] = nil
            // So speaks also a manager that has ended another client's lockspace in place of that
            // one's own. A new connection has a new lockspace.
            await self.retire(line)
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
            let isLast = !isShared && self.holds[lock]?.owesStamp == false
            return StampReading(
                known: isLast ? stamp : nil, highest: stamp, isBlank: isLast && stamp == .none)
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
            self.holds[lock]?.owesStamp = false
            await helper.connection.close()
        } catch {
            await helper.connection.close()
            throw LockManagerError(error, hold: .unknown, doing)
        }
    }
}
