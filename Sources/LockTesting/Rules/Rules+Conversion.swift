import LockCore

/// Changing the mode of a hold.
extension LockManagerRule {
    static let conversion: [LockManagerRule] = [
        LockManagerRule(
            "conversion/down", "a hold converted to shared lets others share it, and no more"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.convert(volume, to: .shared)
            try await run.second.findsShared(volume)
        },
        LockManagerRule(
            "conversion/up", "a hold that nobody shares can be converted to exclusive"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.first.convert(volume, to: .exclusive)
            try await run.second.findsTaken(volume)
        },
        LockManagerRule(
            "conversion/refused",
            "a conversion that another host prevents is contended at once, and both holds stay"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.second.take(volume, .shared)
            try await run.first.isRefusedConversion(volume, to: .exclusive)
            try await run.second.isRefusedConversion(volume, to: .exclusive)
            try await run.second.release(volume)
            try await run.second.findsShared(volume)
            try await run.first.convert(volume, to: .exclusive)
        },
        LockManagerRule(
            "conversion/there-and-back", "a hold can be converted as often as one likes"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            for _ in 1...3 {
                try await run.first.convert(volume, to: .exclusive)
                try await run.second.findsTaken(volume)
                try await run.first.convert(volume, to: .shared)
                try await run.second.findsShared(volume)
            }
        },
        LockManagerRule(
            "conversion/release", "a converted hold is released as a whole"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for (before, after) in [(LockMode.shared, LockMode.exclusive), (.exclusive, .shared)] {
                try await run.first.take(volume, before)
                try await run.first.convert(volume, to: after)
                try await run.first.release(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "conversion/new-grant", "a converted hold is a new grant, with an id of its own",
            hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            var ids = [try await run.first.take(volume, .shared).id]
            for mode in [LockMode.exclusive, .shared] {
                let grant = try await run.first.convert(volume, to: mode)
                try run.expect(
                    !ids.contains(grant.id), "an id that no grant had before",
                    happened: "grant \(grant.id.rawValue) came twice")
                ids.append(grant.id)
            }
        },
    ]
}
