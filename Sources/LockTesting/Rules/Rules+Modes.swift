import LockCore

/// Shared and exclusive, as other hosts see them.
extension LockManagerRule {
    static let modes: [LockManagerRule] = [
        LockManagerRule(
            "modes/exclusive-alone", "an exclusive hold keeps every other host out"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.second.isRefused(volume, .shared)
            try await run.second.isRefused(volume, .exclusive)
        },
        LockManagerRule(
            "modes/shared-together", "shared holds of several hosts stand beside each other",
            hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for host in run.hosts { try await host.take(volume, .shared) }
        },
        LockManagerRule(
            "modes/shared-keeps-exclusive-out",
            "while one host holds a resource shared, no other has it exclusively", hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.second.isRefused(volume, .exclusive)
            try await run.second.take(volume, .shared)
            try await run.first.release(volume)
            try await run.third.isRefused(volume, .exclusive)
        },
        LockManagerRule(
            "modes/release-frees", "what is released is free for others, in both modes"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.exclusive, .shared] {
                try await run.first.take(volume, mode)
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "modes/again", "a host that released a resource can acquire it again", hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.exclusive, .shared, .exclusive, .shared] {
                try await run.first.take(volume, mode)
                try await run.first.release(volume)
            }
        },
        LockManagerRule(
            "modes/release-of-nothing", "releasing what is not held succeeds", hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.release(volume)
            try await run.first.take(volume, .exclusive)
            try await run.first.release(volume)
            try await run.first.release(volume)
        },
        LockManagerRule(
            "modes/release-is-own", "a host releases its own hold and nobody else's"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.second.release(volume)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "modes/refused-holds-nothing", "an acquire that was refused leaves nothing behind",
            hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.shared, .exclusive] {
                try await run.first.take(volume, .exclusive)
                try await run.second.isRefused(volume, mode)
                try await run.first.release(volume)
                try await run.third.findsFree(volume)
            }
        },
        LockManagerRule(
            "modes/grants-differ", "every grant has an id that the manager never uses twice",
            hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            var ids: Set<Grant.ID> = []
            for round in 1...4 {
                let mode: LockMode = round.isMultiple(of: 2) ? .shared : .exclusive
                for resource in [volume, other] {
                    let grant = try await run.first.take(resource, mode)
                    try run.expect(
                        ids.insert(grant.id).inserted, "an id that no grant had before",
                        happened: "grant \(grant.id.rawValue) came twice")
                }
                for resource in [volume, other] { try await run.first.release(resource) }
            }
        },
    ]
}
