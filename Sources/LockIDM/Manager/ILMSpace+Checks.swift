internal import LockCore

// Looking after what is held: the manager tells a client nothing by itself.
extension ILMSpace {
    /// One task looks, the other sees to it that a look which takes long hides nothing.
    func startChecks() {
        let (interval, limit) = (self.access.checkInterval, self.access.giveUp)
        self.checkers = [
            Task { [weak self, time] in
                while !Task.isCancelled {
                    // Only the end of the lockspace cuts it short.
                    try? await time.sleep(until: time.now + interval)
                    guard !Task.isCancelled, let self else { return }
                    await self.check()
                }
            },
            Task { [weak self, time] in
                while !Task.isCancelled, let lastSeen = await self?.lastSeen {
                    // The same.
                    try? await time.sleep(until: lastSeen + limit)
                    guard !Task.isCancelled, await self?.isUnseen() == false else { return }
                }
            },
        ]
    }

    /// Looks whether everything is still there.
    private func check() async {
        guard !self.isLost, !self.isEnded, let membership = self.membership else { return }
        let begin = self.time.now
        do throws(ILMError) {
            let count = try await self.count(
                self.request.group.members, self.request.lockspace.drives, membership)
            // Who was not seen for too long may have lost everything meanwhile, and got it back.
            guard !self.isUnseen() else { return }
            if count.isHeldBySelf {
                self.lastSeen = begin
            } else {
                self.lose("the lease has expired on the drives", certainFor: .zero)
            }
        } catch {
            // Drives that do not answer may answer again before the time is over.
        }
        for (line, calls) in self.lines where calls == 0 {
            if await line.connection.isClosed(), !self.isEnded {
                await self.broke(line, besides: nil, "the lock manager closed a connection")
            }
        }
        await self.checkHolds()
    }

    /// Too long ago the drives said that this host is a member, and the lockspace is lost. That
    /// goes for a host that did not run all the time, too.
    private func isUnseen() -> Bool {
        let age = self.time.now - self.lastSeen
        guard age >= self.access.giveUp else { return false }
        self.lose("the drives have not told for \(age) that the host is there", certainFor: .zero)
        return true
    }

    private func checkHolds() async {
        for (lock, hold) in self.holds where !hold.isInDoubt && !hold.isBusy {
            // Behind a call that takes long, no look tells anything; the next time will do.
            guard self.isIdle(hold.line) else { continue }
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

    private func isIdle(_ line: Line) -> Bool {
        self.lines.contains { $0.line === line && $0.calls == 0 }
    }
}
