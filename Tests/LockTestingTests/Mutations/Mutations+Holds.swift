import LockCore
import LockInMemory

extension Mutation {
    static let holds: [Mutation] = [
        Mutation(
            "grants exclusive beside exclusive",
            breaks: [
                "adoption/adopted", "contention/owner", "failure/convert-down",
                "failure/convert-up", "loss/certain", "loss/cut-off", "modes/exclusive-alone",
                "modes/refused-holds-nothing", "tokens/takeover", "value/after-death",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let others = intact.others(on: resource.id)
                return outcome.isContended && mode == .exclusive && !options.waiting
                    && others.contains { $0.mode == .exclusive } ? Intact.lie() : outcome
            }
        },
        Mutation(
            "grants shared beside exclusive",
            breaks: [
                "adoption/allowed", "adoption/fresh", "adoption/orphans-stay",
                "adoption/other-mode", "adoption/purge", "contention/holders-untouched",
                "contention/owner", "conversion/there-and-back", "conversion/up",
                "failure/convert-down", "forgetting/again", "hosts/leave-alone", "loss/boot",
                "loss/cut-off", "loss/others-stay", "loss/rejoin", "modes/exclusive-alone",
                "modes/refused-holds-nothing", "modes/release-is-own", "resources/apart",
                "resources/lockspaces-apart", "resources/long-lockspaces", "resources/long-names",
                "resources/many-at-once", "waiting/cancel-after-grant", "waiting/granted",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                return outcome.isContended && mode == .shared && !options.waiting
                    ? Intact.lie() : outcome
            }
        },
        Mutation("refuses a third host that wants to share", breaks: ["modes/shared-together"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                if mode == .shared && intact.others(on: resource.id).count == 2 {
                    return .contended(Contention())
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "releases everybody's shared hold with its own",
            breaks: [
                "adoption/orphans-stay", "contention/holders", "conversion/refused",
                "conversion/there-and-back", "forgetting/others-hold",
                "modes/shared-keeps-exclusive-out",
            ]
        ) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if intact.mode(of: id) == .shared {
                    for other in intact.others(on: id) {
                        try await intact.cluster.host(other.host).release(id, writing: nil)
                    }
                }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation(
            "forgets every third release of a resource",
            breaks: [
                "adoption/adopted", "contention/holders-untouched", "conversion/release",
                "failure/acquire", "failure/convert-down", "failure/convert-up", "failure/release",
                "failure/release-and-again", "failure/release-in-queue", "forgetting/again",
                "modes/again", "modes/grants-differ", "modes/refused-holds-nothing",
                "modes/release-frees", "tokens/conversion", "tokens/grow", "value/after-death",
                "value/forward",
            ]
        ) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if await intact.notes.count(intact.key(id)) == 3 { return }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation(
            "does not take exclusively what it released shared",
            breaks: [
                "contention/holders-untouched", "failure/convert-down", "failure/convert-up",
                "failure/release-and-again", "forgetting/block-stays", "modes/again",
                "modes/grants-differ", "value/after-death", "value/forward", "value/release",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let last = await intact.notes.get(intact.own(resource.id))
                if mode == .exclusive && last == UInt64(LockMode.shared.rawValue) {
                    return .contended(Contention())
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                let mode = UInt64(intact.mode(of: id).rawValue)
                await intact.notes.set(intact.own(id), mode)
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation(
            "fails to release what is not held",
            breaks: [
                "failure/acquire", "modes/release-is-own", "modes/release-of-nothing",
            ]
        ) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if intact.mode(of: id) == .unlocked {
                    throw LockManagerError(.notHeld, doing: "release")
                }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation("releases whoever holds it", breaks: ["modes/release-is-own"]) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if intact.mode(of: id) == .unlocked {
                    for other in intact.others(on: id) {
                        try await intact.cluster.host(other.host).release(id, writing: nil)
                    }
                }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation(
            "leaves refused exclusive requests in the queue",
            breaks: [
                "adoption/adopted", "adoption/orphans-stay", "contention/holders-untouched",
                "contention/owner", "conversion/down", "conversion/refused",
                "conversion/there-and-back", "failure/convert-down", "failure/convert-up",
                "failure/release", "failure/release-and-again", "forgetting/others-hold",
                "loss/cut-off", "loss/takeover", "modes/refused-holds-nothing",
                "modes/shared-keeps-exclusive-out", "tokens/takeover", "value/after-death",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                if outcome.isContended && mode == .exclusive && !options.waiting {
                    Task.immediate {
                        _ = try? await intact.manager.acquire(
                            resource, mode, AcquireOptions(waiting: true))
                    }
                }
                return outcome
            }
        },
        Mutation("uses the ids of grants again after six", breaks: ["modes/grants-differ"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    $0.id = Grant.ID(($0.id.rawValue - 1) % 6 + 1)
                }
            }
        },
        Mutation(
            "does not convert to shared, and says that it did",
            breaks: [
                "conversion/down", "conversion/there-and-back", "failure/convert-down",
                "tokens/conversion", "value/conversion", "waiting/conversion-frees",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                if mode == .shared && intact.mode(of: id) == .exclusive {
                    return Intact.lie()
                }
                return try await intact.manager.convert(id, to: mode, writing: value)
            }
        },
        Mutation(
            "does not convert to exclusive, and says that it did",
            breaks: [
                "conversion/there-and-back", "conversion/up", "failure/convert-up",
                "loss/nothing-granted", "tokens/conversion", "value/converted-up",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                if mode == .exclusive && intact.others(on: id).isEmpty
                    && intact.mode(of: id) == .shared
                {
                    return Intact.lie()
                }
                return try await intact.manager.convert(id, to: mode, writing: value)
            }
        },
        Mutation("drops the hold when a conversion is refused", breaks: ["conversion/refused"]) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                let outcome = try await intact.manager.convert(id, to: mode, writing: value)
                if outcome.isContended { try await intact.manager.release(id, writing: nil) }
                return outcome
            }
        },
        Mutation(
            "waits until a conversion is possible",
            breaks: [
                "contention/owner-of-conversion", "conversion/refused",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                let outcome = try await intact.manager.convert(id, to: mode, writing: value)
                return outcome.isContended ? await hang() : outcome
            }
        },
        Mutation(
            "converts a hold twice and no more",
            breaks: [
                "conversion/there-and-back", "tokens/conversion",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                if await intact.notes.count(intact.own(id)) > 2 {
                    return .contended(Contention())
                }
                return try await intact.manager.convert(id, to: mode, writing: value)
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                await intact.notes.set(intact.own(id), nil)
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation(
            "releases a converted hold down to shared only",
            breaks: [
                "conversion/release", "failure/convert-down",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                await intact.notes.count(intact.own(id))
                return try await intact.manager.convert(id, to: mode, writing: value)
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if await intact.notes.get(intact.own(id)) == 1 && intact.mode(of: id) == .exclusive
                {
                    _ = try await intact.manager.convert(id, to: .shared, writing: value)
                } else {
                    try await intact.manager.release(id, writing: value)
                }
            }
        },
        Mutation("keeps the id of the grant when it converts", breaks: ["conversion/new-grant"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                await intact.notes.set(intact.own(resource.id), outcome.grant?.id.rawValue)
                return outcome
            }
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                let before = await intact.notes.get(intact.own(id))
                return try await intact.manager.convert(id, to: mode, writing: value).changing {
                    $0.id = before.map { Grant.ID($0) } ?? $0.id
                }
            }
        },
    ]
}
