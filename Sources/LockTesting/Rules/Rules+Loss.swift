import LockCore

/// Hosts that die, are cut off, or lose a lockspace.
extension LockManagerRule {
    static let loss: [LockManagerRule] = [
        LockManagerRule(
            "loss/told", "a host that loses a lockspace is told so, for its membership",
            needs: [.hosts(.loss)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.lose(run.group)
            let event = try await run.first.loss(of: run.group)
            try run.expectOrigin(of: event, at: run.first)
            let others = await run.second.process.events.all.filter {
                $0.lockspace == run.group.id && $0.isLoss
            }
            try run.expect(
                others.isEmpty, "that nobody else is told so", happened: "host 2 is told, too")
        },
        LockManagerRule(
            "loss/certain",
            "until the time is over that a loss is certain for, nobody gets what the host held",
            needs: [.hosts(.loss)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            // Certainty counts from the event, which cannot come before this.
            let before = run.timing.time.now
            try await run.first.lose(run.group)
            let event = try await run.first.loss(of: run.group)
            guard case .lost(_, let certainFor) = event.what else { return }
            // Whether it ever gets it is another matter: the host that lost it may have to let go.
            while run.timing.time.now - before < certainFor {
                let outcome = try await run.second.acquire(volume, .exclusive)
                let after = run.timing.time.now - before
                guard case .granted(let grant) = outcome else {
                    await run.timing.pause(run.timing.quiet / 5)
                    continue
                }
                try run.expect(
                    after >= certainFor, "that nobody gets it within \(certainFor)",
                    happened: "host 2 got grant \(grant.id.rawValue) after \(after)")
                return
            }
        },
        LockManagerRule(
            "loss/nothing-granted", "a host that lost a lockspace is granted nothing in it",
            needs: [.hosts(.loss)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            try await run.first.take(volume, .shared)
            try await run.first.lose(run.group)
            _ = try await run.first.loss(of: run.group)
            try await run.first.isGrantedNothing("acquire lv-2 shared") {
                manager throws(LockManagerError) in
                try await manager.acquire(other, .shared, AcquireOptions())
            }
            try await run.first.isGrantedNothing("convert lv-1 to exclusive") {
                manager throws(LockManagerError) in
                try await manager.convert(volume.id, to: .exclusive, writing: nil)
            }
        },
        LockManagerRule(
            "loss/rejoin", "a lockspace that was lost can be left, joined again, and used",
            needs: [.hosts(.loss)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let before = try run.first.membership(in: run.group).id
            try await run.first.take(volume, .exclusive)
            try await run.first.lose(run.group)
            _ = try await run.first.loss(of: run.group)
            // The engine lets go of what it can; whether that works does not matter any more.
            _ = try await run.first.ask("release lv-1") { manager throws(LockManagerError) in
                try await manager.release(volume.id, writing: nil)
            }
            try await run.first.leave(run.group, .dropped)
            let after = try await run.first.join(run.group).id
            try run.expect(
                before != after, "another membership", happened: "the id is the same")
            _ = try await run.first.takesSoon(volume, .exclusive)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "loss/others-stay", "a lockspace is lost without the others",
            needs: [.hosts(.loss)]
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            let kept = try await run.makeVolumeGroup(suffix: "b")
            for host in run.hosts { try await host.join(kept) }
            let volume = try await run.makeVolume("lv-2", in: kept)
            try await run.first.take(volume, .exclusive)
            try await run.first.lose(run.group)
            _ = try await run.first.loss(of: run.group)
            await run.quiet()
            try await run.second.findsTaken(volume)
            try await run.first.convert(volume, to: .shared)
            let lost = await run.first.process.events.all.filter {
                $0.lockspace == kept.id && $0.isLoss
            }
            try run.expect(
                lost.isEmpty, "that the other lockspace is not lost", happened: "it is")
        },
        LockManagerRule(
            "loss/takeover", "what a dead host held passes to others",
            needs: [.hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.crash()
            _ = try await run.second.takesSoon(volume, .exclusive)
        },
        LockManagerRule(
            "loss/takeover-waiting", "a request that waits for a dead host is granted",
            needs: [.queue, .hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .exclusive)
            try await waiting.keepsWaiting()
            try await run.first.crash()
            try await waiting.grant(within: run.timing.takeoverLimit)
        },
        LockManagerRule(
            "loss/boot", "a machine that boots again joins anew and holds nothing",
            needs: [.hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.crash()
            try await run.first.boot()
            try await run.first.join(run.group)
            _ = try await run.second.takesSoon(volume, .exclusive)
            try await run.first.findsTaken(volume)
        },
        LockManagerRule(
            "loss/cut-off",
            "what a host that is cut off holds stays its own, or it learns that it lost it",
            needs: [.hosts(.cutOff)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.cutOff()
            let wasTaken = try await run.second.takesOrTires(of: volume)
            try await run.first.reconnect()
            if wasTaken {
                _ = try await run.first.loss(of: run.group)
            } else if await run.first.lossIfAny(of: run.group) == nil {
                try await run.second.findsTaken(volume)
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
    ]
}

extension LockManagerEvent {
    var isLoss: Bool {
        if case .lost = self.what { true } else { false }
    }
}

extension RuleHost {
    fileprivate func loss(of group: Lockspace) async throws(RuleStop) -> LockManagerEvent {
        try await self.event(
            "that \(group.id) is lost", within: self.setting.timing.takeoverLimit
        ) { $0.isLoss && $0.lockspace == group.id }
    }

    fileprivate func lossIfAny(of group: Lockspace) async -> LockManagerEvent? {
        await self.eventIfAny(within: self.setting.timing.quiet) {
            $0.isLoss && $0.lockspace == group.id
        }
    }

    /// Asks for it again and again while another host is cut off, and tells whether it got it.
    fileprivate func takesOrTires(of resource: Resource) async throws(RuleStop) -> Bool {
        let timing = self.setting.timing
        let end = timing.time.now + timing.outage
        while timing.time.now < end {
            if case .granted = try await self.acquire(resource, .exclusive) { return true }
            await timing.pause(timing.quiet / 5)
        }
        return false
    }

    /// Makes a call that can answer anything but granted.
    fileprivate func isGrantedNothing(
        _ what: String,
        _ call:
            @escaping @Sendable (any LockManager) async throws(LockManagerError)
            -> AcquireOutcome
    ) async throws(RuleStop) {
        if case .success(.granted) = try await self.ask(what, call) {
            throw .broken(expected: "that it is not granted", happened: "it is granted")
        }
    }
}
