import LockCore
import LockInMemory

extension Mutation {
    static let adoption: [Mutation] = [
        Mutation("lists nothing that was left behind", breaks: ["adoption/left-behind"]) {
            $0.left = { _ in [] }
        },
        Mutation(
            "drops its predecessor's locks when it starts",
            breaks: [
                "adoption/adopted", "adoption/orphans-stay", "adoption/other-mode",
                "adoption/purge", "tokens/adopted",
            ]
        ) {
            $0.start = { intact in
                for id in (try? await intact.manager.leftBehind()) ?? [] {
                    try? await intact.manager.purgeOrphans(in: id)
                }
            }
        },
        Mutation("adopts with the id of another grant", breaks: ["adoption/adopted"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let key = "last grant of \(intact.host)"
                if options.adopting != .none, let id = await intact.notes.get(key) {
                    return outcome.changing { $0.id = Grant.ID(id) }
                }
                await intact.notes.set(key, outcome.grant?.id.rawValue)
                return outcome
            }
        },
        Mutation("does not adopt where it only may", breaks: ["adoption/allowed"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var options = options
                if options.adopting == .allowed { options.adopting = .none }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("drops an orphan in the other mode", breaks: ["adoption/other-mode"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                if outcome == .orphanInOtherMode {
                    try await intact.manager.purgeOrphans(in: resource.id.lockspace)
                }
                return outcome
            }
        },
        Mutation("purges nothing", breaks: ["adoption/purge"]) {
            $0.purging = { _, _ in }
        },
        Mutation("acquires afresh where it must adopt", breaks: ["adoption/nothing-to-adopt"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                return outcome == .noOrphan
                    ? try await intact.manager.acquire(resource, mode, AcquireOptions())
                    : outcome
            }
        },
        Mutation("acquires nothing afresh where it may adopt", breaks: ["adoption/fresh"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var options = options
                if options.adopting == .allowed { options.adopting = .required }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("joins afresh where it must adopt", breaks: ["adoption/join-nothing"]) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                var options = options
                if options.adopting == .required { options.adopting = .allowed }
                return try await intact.manager.join(prepared, options)
            }
        },
        Mutation(
            "keeps for ever what an ended process held", of: .idm,
            breaks: [
                "adoption/none", "loss/boot", "loss/takeover",
            ]
        ) {
            $0.keepHolds(endingWithMembership: true)
        },
    ]

    static let loss: [Mutation] = [
        Mutation(
            "keeps what a dead host held",
            breaks: [
                "loss/boot", "loss/takeover", "tokens/takeover", "value/after-death",
            ]
        ) {
            $0.keepHolds(endingWithMembership: true)
        },
        Mutation(
            "keeps what was held when its host left",
            breaks: [
                "hosts/leave-frees", "loss/boot", "loss/takeover", "tokens/takeover",
                "value/after-death",
            ]
        ) {
            $0.keepHolds(endingWithMembership: false)
        },
        Mutation("reports a loss for another membership", breaks: ["loss/told"]) {
            $0.reportInstead { event, _ in
                var event = event
                if event.isLoss { event.membership.rawValue += 1 }
                return [event]
            }
        },
        Mutation("is certain for longer than it is", breaks: ["loss/certain"]) {
            $0.reportInstead { event, _ in
                guard case .lost(let reason, _) = event.what else { return [event] }
                var event = event
                event.what = .lost(reason: reason, certainFor: .seconds(60))
                return [event]
            }
        },
        Mutation(
            "reports no loss",
            breaks: [
                "loss/certain", "loss/nothing-granted", "loss/others-stay", "loss/rejoin",
                "loss/told",
            ]
        ) {
            $0.reportInstead { event, _ in event.isLoss ? [] : [event] }
        },
        Mutation(
            "reports the loss of every lockspace with that of one",
            breaks: [
                "loss/others-stay"
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                await intact.notes.set("space:\(prepared.lockspace.id.name)", 1)
                return try await intact.manager.join(prepared, options)
            }
            $0.reportInstead { event, notes in
                guard event.isLoss else { return [event] }
                let kind = event.lockspace.kind
                return await notes.keys(beginning: "space:").map { key in
                    var event = event
                    event.lockspace = Lockspace.ID(kind: kind, name: String(key.dropFirst(6)))
                    return event
                }
            }
        },
        Mutation("grants in a lockspace that it lost", breaks: ["loss/nothing-granted"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.acquire(resource, mode, options)
                } catch  where error.code == .lockLost {
                    return Intact.lie()
                }
            }
        },
        Mutation(
            "grants whatever is asked for after a second join",
            breaks: [
                "hosts/leave-alone", "loss/boot",
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                let key = "\(intact.host):\(prepared.lockspace.id.name)"
                if options.adopting == .none { await intact.notes.count(key) }
                return try await intact.manager.join(prepared, options)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let key = "\(intact.host):\(resource.id.lockspace.name)"
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let joins = await intact.notes.get(key) ?? 0
                return outcome.isContended && joins > 1 ? Intact.lie() : outcome
            }
        },
        Mutation("lets requests wait for a dead host for ever", breaks: ["loss/takeover-waiting"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let hasDied = await !intact.cluster.host(1).isRunning()
                return options.waiting && hasDied ? await hang() : outcome
            }
        },
        Mutation("takes what a host holds that does not answer", breaks: ["loss/cut-off"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let other = intact.cluster.host(1)
                guard outcome.isContended, intact.host != 1, await other.isRunning() else {
                    return outcome
                }
                do throws(LockManagerError) {
                    _ = try await other.leftBehind()
                    return outcome
                } catch {
                    return Intact.lie()
                }
            }
        },
    ]
}

extension MutatedLockManager {
    /// Refuses what another host acquired exclusively and did not release, whatever became of the
    /// host.
    fileprivate mutating func keepHolds(endingWithMembership ends: Bool) {
        self.acquiring = { intact, resource, mode, options throws(LockManagerError) in
            let key = "held:\(intact.key(resource.id))"
            let holder = await intact.notes.get(key)
            let outcome = try await intact.manager.acquire(resource, mode, options)
            if let holder, holder != intact.host, !options.waiting, outcome.grant != nil {
                try await intact.manager.release(resource.id, writing: nil)
                return .contended(Contention())
            }
            if outcome.grant != nil && mode == .exclusive {
                await intact.notes.set(key, intact.host)
            }
            return outcome
        }
        self.converting = { intact, id, mode, value throws(LockManagerError) in
            let outcome = try await intact.manager.convert(id, to: mode, writing: value)
            if outcome.grant != nil {
                let holder = mode == .exclusive ? intact.host : nil
                await intact.notes.set("held:\(intact.key(id))", holder)
            }
            return outcome
        }
        self.releasing = { intact, id, value throws(LockManagerError) in
            let key = "held:\(intact.key(id))"
            if await intact.notes.get(key) == intact.host { await intact.notes.set(key, nil) }
            try await intact.manager.release(id, writing: value)
        }
        self.purging = { intact, id throws(LockManagerError) in
            await intact.notes.removeAll(containing: "held:\(id.name)/")
            try await intact.manager.purgeOrphans(in: id)
        }
        self.leaving = { intact, id, reason throws(LockManagerError) in
            if ends {
                for key in await intact.notes.keys(beginning: "held:\(id.name)/")
                where await intact.notes.get(key) == intact.host {
                    await intact.notes.set(key, nil)
                }
            }
            try await intact.manager.leave(id, reason)
        }
    }
}
