import LockCore

/// What an ended process left behind, and requests to adopt it.
extension LockManagerRule {
    static let adoption: [LockManagerRule] = [
        LockManagerRule(
            "adoption/left-behind", "a lockspace left behind is listed until it is joined again",
            needs: [.adoption, .hosts(.restart)], hosts: 1
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            try await run.first.expectLeftBehind(run.group, false)
            try await run.first.restart()
            try await run.first.expectLeftBehind(run.group, true)
            try await run.first.join(run.group, adopting: .required)
            try await run.first.expectLeftBehind(run.group, false)
        },
        LockManagerRule(
            "adoption/orphans-stay", "what an ended process held stays out of others' reach",
            needs: [.adoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            try await run.first.take(volume, .exclusive)
            try await run.first.take(other, .shared)
            try await run.first.restart()
            try await run.second.findsTaken(volume)
            try await run.second.findsShared(other)
        },
        LockManagerRule(
            "adoption/adopted", "an orphan that is adopted is an ordinary hold, and a new grant",
            needs: [.adoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            for mode in [LockMode.exclusive, .shared] {
                try await run.first.take(volume, mode)
                try await run.first.restart()
                try await run.first.join(run.group, adopting: .required)
                // Another process may count from the beginning: ids differ within this one.
                let before = try await run.first.take(other, .shared)
                let grant = try await run.first.take(volume, mode, adopting: .required)
                try run.expect(
                    grant.id != before.id, "a grant with an id of its own",
                    happened: "the id is that of an earlier grant")
                try await run.first.release(other)
                try await run.second.isRefused(volume, .exclusive)
                try await run.first.convert(volume, to: mode == .shared ? .exclusive : .shared)
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "adoption/allowed", "a request that may adopt gets the orphan that is there",
            needs: [.adoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.restart()
            try await run.first.join(run.group, adopting: .allowed)
            try await run.first.take(volume, .exclusive, adopting: .allowed)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "adoption/other-mode", "an orphan is adopted in its own mode only, and else stays",
            needs: [.adoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.restart()
            try await run.first.join(run.group, adopting: .required)
            let outcome = try await run.first.acquire(volume, .shared, adopting: .required)
            try run.expect(
                outcome == .orphanInOtherMode, "orphan in the other mode",
                happened: RuleWords.describe(outcome))
            try await run.second.findsTaken(volume)
            try await run.first.take(volume, .exclusive, adopting: .required)
        },
        LockManagerRule(
            "adoption/purge", "a purge drops the orphans that nobody adopted, and nothing else",
            needs: [.adoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let adopted = try await run.makeVolume("lv-2")
            let theirs = try await run.makeVolume("lv-3")
            for resource in [volume, adopted] { try await run.first.take(resource, .exclusive) }
            try await run.second.take(theirs, .exclusive)
            try await run.first.restart()
            try await run.first.join(run.group, adopting: .required)
            try await run.first.take(adopted, .exclusive, adopting: .required)
            let id = run.group.id
            try await run.first.succeed("purge the orphans of \(id)") {
                manager throws(LockManagerError) in try await manager.purgeOrphans(in: id)
            }
            try await run.second.findsFree(volume)
            try await run.second.findsTaken(adopted)
            try await run.first.findsTaken(theirs)
        },
        LockManagerRule(
            "adoption/nothing-to-adopt",
            "a request that must adopt finds no orphan where there is none, and acquires nothing"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.shared, .exclusive] {
                let outcome = try await run.first.acquire(volume, mode, adopting: .required)
                try run.expect(
                    outcome == .noOrphan, "no orphan", happened: RuleWords.describe(outcome))
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "adoption/fresh", "a request that may adopt acquires afresh where there is no orphan"
        ) { run throws(RuleStop) in
            run.group = try await run.makeVolumeGroup()
            for host in run.hosts { try await host.join(run.group, adopting: .allowed) }
            let volume = try await run.makeVolume("lv-1")
            try await run.first.take(volume, .exclusive, adopting: .allowed)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "adoption/join-nothing", "a join that must adopt fails where nothing was left behind",
            hosts: 1
        ) { run throws(RuleStop) in
            let group = try await run.makeVolumeGroup()
            if case .success = try await run.first.tryToJoin(group, adopting: .required) {
                throw .broken(expected: "an error", happened: "it joined")
            }
            try await run.first.join(group)
        },
        LockManagerRule(
            "adoption/none", "without adoption, what an ended process held gets free by itself",
            needs: [.noAdoption, .hosts(.restart)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.restart()
            _ = try await run.second.takesSoon(volume, .exclusive)
            try await run.second.release(volume)
            try await run.first.join(run.group)
            try await run.first.findsFree(volume)
        },
    ]
}

extension RuleHost {
    fileprivate func expectLeftBehind(
        _ group: Lockspace, _ isExpected: Bool
    ) async throws(RuleStop) {
        let left = try await self.succeed("list the lockspaces left behind") {
            manager throws(LockManagerError) in try await manager.leftBehind()
        }
        guard left.contains(group.id) == isExpected else {
            throw .broken(
                expected: "\(group.id) \(isExpected ? "among them" : "not among them")",
                happened: RuleWords.describe(left))
        }
    }
}
