import LockCore

/// Membership, and what hosts know of each other.
extension LockManagerRule {
    static let hosts: [LockManagerRule] = [
        LockManagerRule("hosts/running", "a manager that serves says that it runs", hosts: 1) {
            run throws(RuleStop) in
            let isRunning = try await run.first.succeed("is it running?") {
                manager throws(LockManagerError) in await manager.isRunning()
            }
            try run.expect(isRunning, "that it runs", happened: "it says that it does not")
        },
        LockManagerRule(
            "hosts/memberships-differ", "every join has an id that the manager never uses twice",
            hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolumeGroup(suffix: "b")
            var ids = [
                try run.first.membership(in: run.group).id, try await run.first.join(other).id,
            ]
            for _ in 1...2 {
                try await run.first.leave(run.group)
                ids.append(try await run.first.join(run.group).id)
                try await run.first.findsFree(volume)
            }
            try run.expect(
                Set(ids).count == ids.count, "an id that no membership had before",
                happened: "the ids are \(ids.map(\.rawValue))")
        },
        LockManagerRule(
            "hosts/generations", "where generations are counted, every join has a higher one",
            hosts: 1
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            var last = try run.first.membership(in: run.group).generation
            if last == 0 { throw .notApplicable("the manager counts no generations") }
            for _ in 1...2 {
                try await run.first.leave(run.group)
                let next = try await run.first.join(run.group).generation
                try run.expect(
                    next > last, "a generation higher than \(last)", happened: "\(next)")
                last = next
            }
        },
        LockManagerRule(
            "hosts/numbers-differ", "where hosts have numbers, no two of them have the same",
            hosts: 3
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            var numbers: [UInt64] = []
            for host in run.hosts {
                numbers.append(try host.membership(in: run.group).hostID)
            }
            if numbers.allSatisfy({ $0 == 0 }) { throw .notApplicable("hosts have no numbers") }
            try run.expect(
                Set(numbers).count == numbers.count, "different numbers",
                happened: "they are \(numbers)")
        },
        LockManagerRule(
            "hosts/never-overlooked", "another host in the lockspace is never overlooked"
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            for host in run.hosts {
                let others = try await host.otherHosts(in: run.group)
                try run.expect(
                    others == .count(1) || others == .unknown, "count(1), or unknown",
                    happened: "\(others)")
            }
        },
        LockManagerRule(
            "hosts/alone", "a host learns that it is alone when the others have left"
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            try await run.second.leave(run.group)
            try await run.eventually("none", within: run.timing.takeoverLimit) {
                () throws(RuleStop) in
                try await run.first.otherHosts(in: run.group) == .none
            }
        },
        LockManagerRule(
            "hosts/dead-counted", "a host that died is counted as long as it may hold anything",
            needs: [.hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.crash()
            // What is free after the answer may have been held when it was given, not before.
            let others = try await run.second.otherHosts(in: run.group)
            let outcome = try await run.second.acquire(volume, .exclusive)
            guard case .contended = outcome else { return }
            try run.expect(
                others != .none, "that the host is counted while it is in the way",
                happened: "\(others)")
        },
        LockManagerRule(
            "hosts/local", "a host that is watched soon sees itself alive, with its own number",
            hosts: 1
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            let (group, membership) = (run.group, try run.first.membership(in: run.group))
            try await run.eventually("that it is LIVE", within: run.timing.callLimit) {
                () throws(RuleStop) in
                let host = try await run.first.succeed("how does it see itself?") {
                    manager throws(LockManagerError) in try await manager.localHost(in: group.id)
                }
                guard let host else { throw .notApplicable("the manager does not watch hosts") }
                try run.expect(
                    host.id == membership.hostID && host.generation == membership.generation
                        && [.unknown, .live].contains(host.state),
                    "host number \(membership.hostID), generation \(membership.generation), LIVE",
                    happened: RuleWords.describe(host))
                return host.state == .live
            }
        },
        LockManagerRule(
            "hosts/leave-frees", "leaving a lockspace frees whatever the host holds in it"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            try await run.first.take(volume, .exclusive)
            try await run.first.take(other, .shared)
            try await run.first.leave(run.group)
            try await run.second.findsFree(volume)
            try await run.second.findsFree(other)
        },
        LockManagerRule(
            "hosts/leave-alone",
            "who leaves a lockspace keeps its holds in others, and touches nobody else's"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let kept = try await run.makeVolumeGroup(suffix: "b")
            for host in run.hosts { try await host.join(kept) }
            let other = try await run.makeVolume("lv-2", in: kept)
            let third = try await run.makeVolume("lv-3", in: kept)
            try await run.first.take(other, .exclusive)
            try await run.second.take(third, .exclusive)
            try await run.second.take(volume, .exclusive)
            try await run.first.leave(run.group)
            try await run.second.findsTaken(other)
            try await run.first.findsTaken(third)
            try await run.first.join(run.group)
            try await run.first.findsTaken(volume)
        },
    ]
}

extension RuleHost {
    fileprivate func otherHosts(in group: Lockspace) async throws(RuleStop) -> OtherHosts {
        try await self.succeed("are there other hosts?") { manager throws(LockManagerError) in
            try await manager.otherHosts(in: group.id)
        }
    }
}
