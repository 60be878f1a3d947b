internal import LockCore

// Looking after what is held: the manager tells a client nothing by itself.
extension ILMSpace {
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
