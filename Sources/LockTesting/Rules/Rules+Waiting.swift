import LockCore

/// The manager's queue, for managers that have one.
extension LockManagerRule {
    static let waiting: [LockManagerRule] = [
        LockManagerRule(
            "waiting/granted", "a request that waits is granted when the resource is free",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .exclusive)
            try await waiting.keepsWaiting()
            try await run.first.release(volume)
            try await waiting.grant()
            try await run.first.findsTaken(volume)
        },
        LockManagerRule(
            "waiting/free", "a request that may wait and need not is granted at once",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.second.startWaiting(volume, .shared).grant()
        },
        LockManagerRule(
            "waiting/in-order", "requests that wait are granted in the order in which they came",
            needs: [.queue], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let second = run.second.startWaiting(volume, .exclusive)
            await run.first.isWanted()
            let third = run.third.startWaiting(volume, .exclusive)
            try await third.keepsWaiting()
            try await run.first.release(volume)
            try await second.grant()
            try await third.keepsWaiting()
            try await run.second.release(volume)
            try await third.grant()
        },
        LockManagerRule(
            "waiting/shared-together", "shared requests that wait are granted together",
            needs: [.queue], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = [run.second, run.third].map { $0.startWaiting(volume, .shared) }
            await run.first.isWanted()
            try await run.first.release(volume)
            for pending in waiting { try await pending.grant() }
        },
        LockManagerRule(
            "waiting/conversion-frees", "a conversion to shared lets shared requests that wait in",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .shared)
            try await waiting.keepsWaiting()
            try await run.first.convert(volume, to: .shared)
            try await waiting.grant()
        },
        LockManagerRule(
            "waiting/not-waiting",
            "a request that may not wait is answered at once, also behind others that wait",
            needs: [.queue], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            let waiting = run.second.startWaiting(volume, .exclusive)
            await run.first.isWanted()
            // Granted or not: both keep the contract, and an answer later does not.
            if case .granted = try await run.third.acquire(volume, .shared) {
                try await run.third.release(volume)
            }
            try await run.first.release(volume)
            try await waiting.grant()
        },
        LockManagerRule(
            "waiting/cancel", "a cancelled request is contended, and holds nothing later",
            needs: [.queue], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .exclusive)
            try await waiting.keepsWaiting()
            try await run.second.cancelAcquire(volume)
            _ = try RuleHost.contention(await waiting.outcome())
            try await run.first.release(volume)
            try await run.third.findsFree(volume)
        },
        LockManagerRule(
            "waiting/cancel-first", "a cancelled request is in nobody's way", needs: [.queue],
            hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            let second = run.second.startWaiting(volume, .exclusive)
            await run.first.isWanted()
            let third = run.third.startWaiting(volume, .shared)
            try await run.second.cancelAcquire(volume)
            _ = try RuleHost.contention(await second.outcome())
            try await third.grant()
        },
        LockManagerRule(
            "waiting/cancel-after-grant", "cancelling what was granted already changes nothing",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .exclusive)
            try await run.first.release(volume)
            try await waiting.grant()
            try await run.second.cancelAcquire(volume)
            try await run.first.findsTaken(volume)
        },
        LockManagerRule(
            "waiting/cancel-nothing", "cancelling nothing does not touch the request that follows",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.second.cancelAcquire(volume)
            let waiting = run.second.startWaiting(volume, .shared)
            try await waiting.keepsWaiting()
            try await run.first.release(volume)
            try await waiting.grant()
        },
        LockManagerRule(
            "waiting/wanted", "a holder is told once that another host waits for its grant",
            needs: [.queue], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let grant = try await run.first.take(volume, .exclusive)
            let second = run.second.startWaiting(volume, .shared)
            let group = run.group.id
            let event = try await run.first.event("that the grant is wanted") {
                $0.isWanted && $0.lockspace == group
            }
            try run.expect(
                event.what == .wanted(volume.id.name, by: grant.id),
                "that grant \(grant.id.rawValue) of \(volume.id.name) is wanted",
                happened: RuleWords.describe(event))
            try run.expectOrigin(of: event, at: run.first)
            let third = run.third.startWaiting(volume, .shared)
            try await third.keepsWaiting()
            let told = await run.first.process.events.all.count {
                $0.isWanted && $0.lockspace == group
            }
            try run.expect(told == 1, "that it is told once", happened: "\(told) times")
            try await run.first.release(volume)
            try await second.grant()
            try await third.grant()
        },
    ]
}

extension LockManagerEvent {
    var isWanted: Bool {
        if case .wanted = self.what { true } else { false }
    }
}

extension RuleHost {
    /// Returns when the manager has told that somebody waits for this host, which shows that the
    /// request has reached the queue. One that does not tell is given some time.
    func isWanted() async {
        let groups = self.memberships.keys
        _ = await self.eventIfAny(within: self.setting.timing.quiet * 4) { [groups] event in
            event.isWanted && groups.contains(event.lockspace)
        }
    }
}

extension RuleRun {
    /// An event has to carry lockspace and membership.
    func expectOrigin(of event: LockManagerEvent, at host: RuleHost) throws(RuleStop) {
        let membership = try host.membership(in: self.group)
        try self.expect(
            event.lockspace == self.group.id && event.membership == membership.id,
            "an event of \(self.group.id), membership \(membership.id.rawValue)",
            happened: "it is of \(event.lockspace), membership \(event.membership.rawValue)")
    }
}
