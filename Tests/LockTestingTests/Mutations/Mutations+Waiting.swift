import LockCore
import LockInMemory

extension Mutation {
    static let waiting: [Mutation] = [
        Mutation(
            "does not wait",
            breaks: [
                "failure/release-in-queue", "loss/takeover-waiting", "resources/waiting-apart",
                "waiting/cancel", "waiting/cancel-after-grant", "waiting/cancel-nothing",
                "waiting/conversion-frees", "waiting/granted", "waiting/in-order",
                "waiting/not-waiting", "waiting/shared-together", "waiting/wanted",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var options = options
                options.waiting = false
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("waits also for what is free", breaks: ["waiting/cancel-first", "waiting/free"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let others = intact.others(on: resource.id)
                if options.waiting && others.allSatisfy({ $0.mode.isCompatible(with: mode) }) {
                    return await hang()
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("serves the last first", breaks: ["waiting/in-order", "waiting/wanted"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                guard options.waiting else {
                    return try await intact.manager.acquire(resource, mode, options)
                }
                let key = "waiting:\(intact.key(resource.id)):"
                let place = await intact.notes.count("places")
                await intact.notes.set("\(key)\(1000 + place)", intact.host)
                defer {
                    let notes = intact.notes
                    Task.immediate { await notes.set("\(key)\(1000 + place)", nil) }
                }
                while !Task.isCancelled {
                    let last = await intact.notes.keys(beginning: key).last
                    if last == "\(key)\(1000 + place)" {
                        let outcome = try await intact.manager.acquire(
                            resource, mode, AcquireOptions())
                        if !outcome.isContended { return outcome }
                    } else if await intact.notes.get("\(key)\(1000 + place)") == nil {
                        return .contended(Contention())
                    }
                    await shortly()
                }
                return .contended(Contention())
            }
            $0.cancelling = { intact, id in
                for key in await intact.notes.keys(beginning: "waiting:\(intact.key(id)):")
                where await intact.notes.get(key) == intact.host {
                    await intact.notes.set(key, nil)
                }
            }
        },
        Mutation(
            "grants shared requests that waited one by one",
            breaks: [
                "waiting/shared-together", "waiting/wanted",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                while outcome.grant != nil && options.waiting && mode == .shared
                    && !Task.isCancelled
                    && intact.others(on: resource.id).contains(where: { $0.host > 1 })
                    && intact.host == 3
                {
                    await shortly()
                }
                return outcome
            }
        },
        Mutation("does not see who waits when it converts", breaks: ["waiting/conversion-frees"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                guard options.waiting else {
                    return try await intact.manager.acquire(resource, mode, options)
                }
                let wasFree = intact.others(on: resource.id).allSatisfy {
                    $0.mode.isCompatible(with: mode)
                }
                let outcome = try await intact.manager.acquire(resource, mode, options)
                while outcome.grant != nil && !wasFree && !Task.isCancelled
                    && intact.others(on: resource.id).contains(where: { $0.host == 1 })
                {
                    await shortly()
                }
                return outcome
            }
        },
        Mutation(
            "lets those wait who may not, behind those who wait",
            breaks: [
                "waiting/cancel-after-grant", "waiting/granted", "waiting/not-waiting",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var options = options
                let key = "waiting:\(intact.key(resource.id))"
                if options.waiting { await intact.notes.count(key) }
                if await intact.notes.get(key) ?? 0 > 0 { options.waiting = true }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "leaves cancelled requests in the queue",
            breaks: [
                "waiting/cancel", "waiting/cancel-first",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                guard options.waiting else {
                    return try await intact.manager.acquire(resource, mode, options)
                }
                let key = intact.own(resource.id)
                await intact.notes.set(key, nil)
                await intact.notes.setOutcome(key, nil)
                Task.immediate {
                    let outcome = try? await intact.manager.acquire(resource, mode, options)
                    await intact.notes.setOutcome(key, outcome)
                }
                while !Task.isCancelled {
                    if let outcome = await intact.notes.outcome(key) { return outcome }
                    if await intact.notes.get(key) == 1 { return .contended(Contention()) }
                    await shortly()
                }
                return .contended(Contention())
            }
            $0.cancelling = { intact, id in await intact.notes.set(intact.own(id), 1) }
        },
        Mutation(
            "lets go of a grant that is cancelled too late",
            breaks: [
                "waiting/cancel-after-grant"
            ]
        ) {
            $0.cancelling = { intact, id in
                await intact.manager.cancelAcquire(id)
                try? await intact.manager.release(id, writing: nil)
            }
        },
        Mutation("cancels a request that comes after", breaks: ["waiting/cancel-nothing"]) {
            $0.cancelling = { intact, id in
                await intact.notes.set(intact.own(id), 1)
                await intact.manager.cancelAcquire(id)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                if options.waiting, await intact.notes.get(intact.own(resource.id)) == 1 {
                    return .contended(Contention())
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("tells twice that a grant is wanted", breaks: ["waiting/wanted"]) {
            $0.reportInstead { event, _ in event.isWanted ? [event, event] : [event] }
        },
        Mutation(
            "holds up other resources of a host that waits",
            breaks: [
                "resources/slow-apart", "resources/waiting-apart",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let key = "busy:\(intact.host)"
                while await intact.notes.get(key) ?? 0 > 0 && !Task.isCancelled {
                    await shortly()
                }
                await intact.notes.count(key)
                defer {
                    let notes = intact.notes
                    Task.immediate { await notes.count(key, by: -1) }
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
    ]

    static let tokens: [Mutation] = [
        Mutation("names the wrong host as owner", breaks: ["contention/owner"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                guard case .contended(var contention) = outcome else { return outcome }
                contention.owner?.id += 1
                return .contended(contention)
            }
        },
        Mutation(
            "names no owner when it refuses a conversion",
            breaks: [
                "contention/owner-of-conversion"
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                let outcome = try await intact.manager.convert(id, to: mode, writing: value)
                return outcome.isContended ? .contended(Contention()) : outcome
            }
        },
        Mutation("lists one holder and no more", breaks: ["contention/holders"]) {
            $0.listing = { intact, resource throws(LockManagerError) in
                (try await intact.manager.holders(of: resource) ?? []).prefix(1).map { $0 }
            }
        },
        Mutation(
            "acquires what it lists",
            breaks: [
                "contention/holders", "contention/holders-untouched",
            ]
        ) {
            $0.listing = { intact, resource throws(LockManagerError) in
                let holders = try await intact.manager.holders(of: resource)
                if intact.mode(of: resource.id) == .unlocked {
                    _ = try await intact.manager.acquire(resource, .shared, AcquireOptions())
                }
                return holders
            }
        },
        Mutation(
            "gives the same token twice",
            breaks: [
                "tokens/grow", "tokens/rejoin", "tokens/takeover",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    $0.token = $0.token.map { FencingToken(rawValue: ($0.rawValue + 3) / 2) }
                }
            }
        },
        Mutation("does not count tokens when it converts", breaks: ["tokens/conversion"]) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                try await intact.manager.convert(id, to: mode, writing: value).changing {
                    $0.token = $0.token.map { _ in FencingToken(rawValue: 1) }
                }
            }
        },
        Mutation(
            "begins to count tokens anew when a lockspace is joined again",
            breaks: [
                "tokens/rejoin"
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                await intact.notes.removeAll(containing: "tokens")
                return try await intact.manager.join(prepared, options)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                guard outcome.grant?.token != nil, options.adopting == .none else {
                    return outcome
                }
                let token = await intact.notes.count("tokens")
                return outcome.changing { $0.token = FencingToken(rawValue: token) }
            }
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                let outcome = try await intact.manager.convert(id, to: mode, writing: value)
                guard outcome.grant?.token != nil else { return outcome }
                let token = await intact.notes.count("tokens")
                return outcome.changing { $0.token = FencingToken(rawValue: token) }
            }
        },
        Mutation("has no token for an adopted hold", breaks: ["tokens/adopted"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    if options.adopting == .required { $0.token = nil }
                }
            }
        },
        Mutation("takes a dead host's token over with its hold", breaks: ["tokens/takeover"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let isTakeover = await !intact.cluster.host(1).isRunning()
                return try await intact.manager.acquire(resource, mode, options).changing {
                    if isTakeover { $0.token = $0.token.map { _ in FencingToken(rawValue: 1) } }
                }
            }
        },
    ]
}
