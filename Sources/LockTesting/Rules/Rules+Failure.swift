import LockCore

/// Calls that fail, and what the error says about the hold.
extension LockManagerRule {
    static let failure: [LockManagerRule] = [
        LockManagerRule(
            "failure/not-joined", "nothing is acquired in a lockspace that was not joined"
        ) { run throws(RuleStop) in
            run.group = try await run.makeVolumeGroup()
            try await run.first.join(run.group)
            let volume = try await run.makeVolume("lv-1")
            let error = try await run.second.fail("acquire lv-1 exclusive") {
                manager throws(LockManagerError) in
                try await manager.acquire(volume, .exclusive, AcquireOptions())
            }
            try run.expect(
                error.hold == .unchanged, "an error that leaves the hold unchanged",
                happened: "the hold is unknown")
            try await run.first.findsFree(volume)
        },
        LockManagerRule(
            "failure/convert-nothing", "converting what is not held fails and acquires nothing"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.exclusive, .shared] {
                try await run.first.fail("convert lv-1 to \(mode)") {
                    manager throws(LockManagerError) in
                    try await manager.convert(volume.id, to: mode, writing: nil)
                }
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "failure/acquire",
            "an acquire that failed holds nothing, or the hold is unknown and a release frees it",
            needs: [.hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.strike(.acquire, of: volume, with: fault)
                let error = try await run.first.fail("acquire lv-1 exclusive") {
                    manager throws(LockManagerError) in
                    try await manager.acquire(volume, .exclusive, AcquireOptions())
                }
                if error.hold == .unknown { try await run.first.release(volume) }
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "failure/convert-up",
            "after a conversion to exclusive that failed, the hold is at least shared, and as "
                + "before unless the error says unknown", needs: [.hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.take(volume, .shared)
                try await run.first.strike(.convert, of: volume, with: fault)
                let error = try await run.first.failToConvert(volume, to: .exclusive)
                try await run.second.isRefused(volume, .exclusive)
                if error.hold == .unchanged { try await run.second.findsShared(volume) }
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "failure/convert-down",
            "after a conversion to shared that failed, the hold is at least shared, and as "
                + "before unless the error says unknown", needs: [.hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.take(volume, .exclusive)
                try await run.first.strike(.convert, of: volume, with: fault)
                let error = try await run.first.failToConvert(volume, to: .shared)
                try await run.second.isRefused(volume, .exclusive)
                if error.hold == .unchanged { try await run.second.findsTaken(volume) }
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "failure/release", "a release that failed is finished by the manager itself",
            needs: [.hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.take(volume, .exclusive)
                try await run.first.strike(.release, of: volume, with: fault)
                try await run.first.failToRelease(volume)
                _ = try await run.second.takesSoon(volume, .exclusive)
                try await run.second.release(volume)
            }
        },
        LockManagerRule(
            "failure/release-and-again", "after a release that failed the host can acquire again",
            needs: [.hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.take(volume, .exclusive)
                try await run.first.strike(.release, of: volume, with: fault)
                try await run.first.failToRelease(volume)
                _ = try await run.first.takesSoon(volume, .shared)
                try await run.second.findsShared(volume)
                try await run.first.release(volume)
            }
        },
        LockManagerRule(
            "failure/release-in-queue", "who waits is not held up for ever by a failed release",
            needs: [.queue, .hosts(.failures)]
        ) { run throws(RuleStop) in
            try await run.afterFailures { run, volume, fault throws(RuleStop) in
                try await run.first.take(volume, .exclusive)
                let waiting = run.second.startWaiting(volume, .exclusive)
                await run.first.isWanted()
                try await run.first.strike(.release, of: volume, with: fault)
                try await run.first.failToRelease(volume)
                try await waiting.grant(within: run.timing.takeoverLimit)
                try await run.second.release(volume)
            }
        },
    ]
}

extension RuleRun {
    /// Goes through it with a fault without effect, and several times with a lost answer, when the
    /// call may or may not have taken effect.
    fileprivate func afterFailures(
        _ body: (RuleRun, Resource, HostFault) async throws(RuleStop) -> Void
    ) async throws(RuleStop) {
        let volume = try await self.joinAll()
        try await body(self, volume, .fails)
        for _ in 1...6 { try await body(self, volume, .answerIsLost) }
    }
}

extension RuleHost {
    fileprivate func failToConvert(
        _ resource: Resource, to mode: LockMode
    ) async throws(RuleStop) -> LockManagerError {
        try await self.fail("convert \(resource.id.name) to \(mode)") {
            manager throws(LockManagerError) in
            try await manager.convert(resource.id, to: mode, writing: nil)
        }
    }

    fileprivate func failToRelease(_ resource: Resource) async throws(RuleStop) {
        try await self.fail("release \(resource.id.name)") { manager throws(LockManagerError) in
            try await manager.release(resource.id, writing: nil)
        }
    }
}
