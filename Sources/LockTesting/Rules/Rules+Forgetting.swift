import LockCore

/// When nobody on a host is interested in a resource any more.
extension LockManagerRule {
    static let forgetting: [LockManagerRule] = [
        LockManagerRule(
            "forgetting/block-stays", "a block lives on while another host has not forgotten it",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.second.reads(ValueBlock(), of: volume, as: .shared)
            try await run.first.writes(.version(7), to: volume)
            try await run.first.forget(volume)
            try await run.second.reads(.version(7), of: volume, as: .exclusive)
        },
        LockManagerRule(
            "forgetting/others-hold", "forgetting a resource does not touch another host's hold"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.second.take(volume, .shared)
            try await run.second.release(volume)
            try await run.second.forget(volume)
            try await run.second.findsShared(volume)
        },
        LockManagerRule(
            "forgetting/again", "a resource that was forgotten can be acquired as before"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.forget(volume)
            for _ in 1...2 {
                try await run.first.take(volume, .exclusive)
                try await run.second.findsTaken(volume)
                try await run.first.release(volume)
                try await run.first.forget(volume)
                try await run.second.findsFree(volume)
            }
        },
        LockManagerRule(
            "forgetting/stamp", "who forgot a resource is not told that it is unchanged",
            needs: [.changeStamp]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.writes(.version(1), to: volume)
            try await run.first.forget(volume)
            try await run.second.writes(.version(2), to: volume)
            let value = try await run.first.take(volume, .shared).value
            try run.expect(
                value == .unknown || value == .changed, "changed or unknown",
                happened: RuleWords.describe(value))
        },
    ]
}
