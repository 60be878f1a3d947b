import LockCore

/// Fencing tokens, for managers that count them.
extension LockManagerRule {
    static let tokens: [LockManagerRule] = [
        LockManagerRule(
            "tokens/grow", "every exclusive grant has a higher token than all before, on any host",
            needs: [.tokens]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            var last: FencingToken?
            for round in 1...6 {
                let host = run.hosts[round / 2 % 2]
                last = try host.token(of: await host.take(volume, .exclusive), after: last)
                try await host.release(volume)
                try await host.forget(volume)
            }
        },
        LockManagerRule(
            "tokens/conversion", "a conversion to exclusive counts the token up, too",
            needs: [.tokens]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            var last: FencingToken?
            for round in 1...4 {
                let host = run.hosts[round % 2]
                try await host.take(volume, .shared)
                last = try host.token(
                    of: await host.convert(volume, to: .exclusive), after: last)
                try await host.convert(volume, to: .shared)
                last = try host.token(
                    of: await host.convert(volume, to: .exclusive), after: last)
                try await host.release(volume)
            }
        },
        LockManagerRule(
            "tokens/takeover", "who takes over from a dead host has a higher token",
            needs: [.tokens, .hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let token = try run.first.token(
                of: await run.first.take(volume, .exclusive), after: nil)
            try await run.first.crash()
            let grant = try await run.second.takesSoon(volume, .exclusive)
            _ = try run.second.token(of: grant, after: token)
        },
        LockManagerRule(
            "tokens/rejoin", "tokens go on growing when the lockspace was left by all",
            needs: [.tokens]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            var last: FencingToken?
            for _ in 1...3 {
                last = try run.first.token(
                    of: await run.first.take(volume, .exclusive), after: last)
                try await run.first.release(volume)
                for host in run.hosts { try await host.leave(run.group) }
                for host in run.hosts { try await host.join(run.group) }
            }
        },
        LockManagerRule(
            "tokens/adopted", "an adopted hold's token is not lower than it was",
            needs: [.tokens, .adoption, .hosts(.restart)], hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let before = try run.first.token(
                of: await run.first.take(volume, .exclusive), after: nil)
            try await run.first.restart()
            try await run.first.join(run.group, adopting: .required)
            let grant = try await run.first.take(volume, .exclusive, adopting: .required)
            let after = try run.first.token(of: grant, after: nil)
            try run.expect(
                after >= before, "\(before.rawValue) or higher", happened: "\(after.rawValue)")
        },
    ]
}

extension RuleHost {
    fileprivate func token(
        of grant: Grant, after last: FencingToken?
    ) throws(RuleStop) -> FencingToken {
        guard let token = grant.token else {
            throw .broken(expected: "a fencing token", happened: "there is none")
        }
        if let last, token <= last {
            throw .broken(
                expected: "a token higher than \(last.rawValue)", happened: "\(token.rawValue)")
        }
        return token
    }
}
