import LockCore

/// Several resources at once.
extension LockManagerRule {
    static let resources: [LockManagerRule] = [
        LockManagerRule(
            "resources/apart", "a hold on one resource does not touch another"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let group = Resource(
                Resource.ID(lockspace: run.group.id, name: .volumeGroup),
                drives: volume.drives)
            let other = try await run.makeVolume("lv-2")
            try await run.first.take(volume, .exclusive)
            try await run.first.take(group, .exclusive)
            try await run.second.take(other, .exclusive)
            try await run.first.release(group)
            try await run.second.findsFree(group)
            try await run.second.findsTaken(volume)
            try await run.first.findsTaken(other)
        },
        LockManagerRule(
            "resources/lockspaces-apart", "volumes of one name in two lockspaces have two locks"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let another = try await run.makeVolumeGroup(suffix: "b")
            for host in run.hosts { try await host.join(another) }
            let twin = try await run.makeVolume("lv-1", in: another)
            try await run.first.take(volume, .exclusive)
            try await run.second.take(twin, .exclusive)
            try await run.second.findsTaken(volume)
            try await run.first.findsTaken(twin)
        },
        LockManagerRule(
            "resources/long-names", "names as long as the manager promises are not cut"
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            // A logical volume's UUID has 38 bytes; no caller has longer names.
            let length = min(run.capabilities.longestResourceName, 38) - 1
            let stem = String(repeating: "n", count: length)
            let volume = try await run.makeVolume(stem + "a")
            let twin = try await run.makeVolume(stem + "b")
            try await run.first.take(volume, .exclusive)
            try await run.second.take(twin, .exclusive)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "resources/long-lockspaces", "lockspaces with long names are not taken for each other"
        ) { run throws(RuleStop) in
            // Room for `lvm_` and one letter more than the stem.
            let length = min(run.capabilities.longestLockspaceName, Limits.nameBytes) - 5
            let stem = run.padded(to: length)
            var twins: [Resource] = []
            for letter in ["a", "b"] {
                let group = try await run.makeVolumeGroup(named: stem + letter)
                for host in run.hosts { try await host.join(group) }
                twins.append(try await run.makeVolume("lv-1", in: group))
            }
            try await run.first.take(twins[0], .exclusive)
            try await run.second.take(twins[1], .exclusive)
            try await run.second.findsTaken(twins[0])
        },
        LockManagerRule(
            "resources/many-at-once", "many resources are locked and released at the same time"
        ) { run throws(RuleStop) in
            _ = try await run.joinAll()
            var volumes: [Resource] = []
            for number in 1...16 { volumes.append(try await run.makeVolume("many-\(number)")) }
            let (mine, theirs) = (Array(volumes.prefix(8)), Array(volumes.suffix(8)))
            try await run.first.takeAtOnce(mine)
            try await run.second.takeAtOnce(theirs)
            for volume in mine { try await run.second.findsTaken(volume) }
            try await run.first.releaseAtOnce(mine)
            try await run.second.takeAtOnce(mine)
            for volume in volumes { try await run.first.findsTaken(volume) }
        },
        LockManagerRule(
            "resources/waiting-apart", "a request that waits holds up no other resource",
            needs: [.queue]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            try await run.first.take(volume, .exclusive)
            let waiting = run.second.startWaiting(volume, .exclusive)
            await run.first.isWanted()
            for mode in [LockMode.exclusive, .shared] {
                try await run.second.take(other, mode)
                try await run.second.release(other)
            }
            try await run.first.release(volume)
            try await waiting.grant()
        },
        LockManagerRule(
            "resources/slow-apart", "a call that takes long holds up no other resource",
            needs: [.hosts(.delays)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            // On a machine that has much else to do, a delay passes before anybody has asked for
            // the other resource. One that is long enough tells.
            for delay in [run.timing.outage, run.timing.outage * 3, run.timing.outage * 9] {
                try await run.first.strike(.acquire, of: volume, with: .delay(delay))
                let slow = run.first.startAcquire(volume, .exclusive)
                await run.quiet()
                try await run.first.take(other, .exclusive)
                try await run.first.release(other)
                let isUnderWay = await slow.isUnderWay
                try await slow.grant()
                if isUnderWay { return }
                try await run.first.release(volume)
            }
            throw .broken(
                expected: "that calls for the other resource answer before the slow call",
                happened: "they answered after it")
        },
    ]
}

extension RuleHost {
    /// Acquires all of them exclusively, with every call under way at the same time.
    fileprivate func takeAtOnce(_ resources: [Resource]) async throws(RuleStop) {
        for pending in resources.map({ self.startAcquire($0, .exclusive) }) {
            try await pending.grant()
        }
    }

    /// Releases all of them, with every call under way at the same time.
    fileprivate func releaseAtOnce(_ resources: [Resource]) async throws(RuleStop) {
        try await self.succeed("release \(resources.count) volumes at once") {
            manager throws(LockManagerError) in
            let errors = await withTaskGroup { group in
                for resource in resources {
                    group.addTask { () async -> LockManagerError? in
                        do throws(LockManagerError) {
                            try await manager.release(resource.id, writing: nil)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            if let error = errors.compactMap({ $0 }).first { throw error }
        }
    }
}
