import LockCore
import LockInMemory

extension Mutation {
    static let failures: [Mutation] = [
        Mutation("grants in a lockspace that was not joined", breaks: ["failure/not-joined"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.acquire(resource, mode, options)
                } catch  where error.code == .lockspaceNotFound {
                    return Intact.lie()
                }
            }
        },
        Mutation(
            "acquires when it is to convert what is not held",
            breaks: [
                "failure/convert-nothing"
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.convert(id, to: mode, writing: value)
                } catch  where error.code == .notHeld {
                    return try await intact.manager.acquire(
                        Resource(id), mode, AcquireOptions())
                }
            }
        },
        Mutation(
            "says unchanged when it does not know what an acquire did",
            breaks: [
                "failure/acquire"
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.acquire(resource, mode, options)
                } catch {
                    throw error.sayingUnchanged
                }
            }
        },
        Mutation(
            "says unchanged when it does not know what a conversion did",
            breaks: [
                "failure/convert-down", "failure/convert-up",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.convert(id, to: mode, writing: value)
                } catch {
                    throw error.sayingUnchanged
                }
            }
        },
        Mutation(
            "loses the hold when a conversion fails",
            breaks: [
                "failure/convert-down", "failure/convert-up",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.convert(id, to: mode, writing: value)
                } catch {
                    try await intact.manager.release(id, writing: nil)
                    throw error
                }
            }
        },
        Mutation(
            "says nothing in its errors",
            breaks: [
                "failure/convert-down", "failure/convert-nothing", "failure/convert-up",
            ]
        ) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                do throws(LockManagerError) {
                    return try await intact.manager.convert(id, to: mode, writing: value)
                } catch {
                    throw LockManagerError(error.code, hold: error.hold, doing: "")
                }
            }
        },
        Mutation("does not finish a release that failed", breaks: ["failure/release"]) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                try await intact.releaseNotingFailure(id, value)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let failed = await intact.notes.get("failed:\(intact.key(resource.id))")
                if let failed, failed != intact.host, !options.waiting {
                    return .contended(Contention())
                }
                await intact.notes.set("failed:\(intact.key(resource.id))", nil)
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "believes that it holds what it failed to release",
            breaks: [
                "failure/release", "failure/release-and-again", "failure/release-in-queue",
            ]
        ) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                try await intact.releaseNotingFailure(id, value)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let failed = await intact.notes.get("failed:\(intact.key(resource.id))")
                if failed == intact.host {
                    throw LockManagerError(.alreadyHeld, doing: "acquire")
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "lets requests wait for a failed release for ever",
            breaks: [
                "failure/release-in-queue"
            ]
        ) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                try await intact.releaseNotingFailure(id, value)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let outcome = try await intact.manager.acquire(resource, mode, options)
                let failed = await intact.notes.get("failed:\(intact.key(resource.id))")
                return options.waiting && failed != nil ? await hang() : outcome
            }
        },
    ]

    static let hosts: [Mutation] = [
        Mutation("says that it does not run", breaks: ["hosts/running"]) {
            $0.running = { _ in false }
        },
        Mutation(
            "gives every membership of a host the same id",
            breaks: [
                "hosts/memberships-differ", "loss/rejoin",
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                var membership = try await intact.manager.join(prepared, options)
                membership.id = Membership.ID(intact.host)
                return membership
            }
            $0.reportInstead { event, _ in
                var event = event
                event.membership.rawValue = min(event.membership.rawValue, 1)
                return [event]
            }
        },
        Mutation("counts no further than the first generation", breaks: ["hosts/generations"]) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                var membership = try await intact.manager.join(prepared, options)
                membership.generation = 1
                return membership
            }
        },
        Mutation(
            "gives all hosts one number",
            breaks: [
                "contention/holders", "contention/owner", "contention/owner-of-conversion",
                "hosts/local", "hosts/numbers-differ",
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                var membership = try await intact.manager.join(prepared, options)
                membership.hostID = 7
                return membership
            }
        },
        Mutation(
            "overlooks the other hosts",
            breaks: [
                "hosts/dead-counted", "hosts/never-overlooked",
            ]
        ) {
            $0.others = { _, _ in .none }
        },
        Mutation("never finds itself alone", breaks: ["hosts/alone"]) {
            $0.others = { intact, id throws(LockManagerError) in
                let others = try await intact.manager.otherHosts(in: id)
                return others == .none ? .count(1) : others
            }
        },
        Mutation("overlooks dead hosts", breaks: ["hosts/dead-counted"]) {
            $0.others = { intact, id throws(LockManagerError) in
                let isDead = await !intact.cluster.host(1).isRunning()
                return isDead ? .none : try await intact.manager.otherHosts(in: id)
            }
        },
        Mutation("takes itself for failing", breaks: ["hosts/local"]) {
            $0.local = { intact, id throws(LockManagerError) in
                var host = try await intact.manager.localHost(in: id)
                host?.state = .failing
                return host
            }
        },
        Mutation(
            "lets go of everything when it leaves one lockspace",
            breaks: [
                "hosts/leave-alone"
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                await intact.notes.set("space:\(prepared.lockspace.id.name)", 1)
                return try await intact.manager.join(prepared, options)
            }
            $0.leaving = { intact, id, reason throws(LockManagerError) in
                try await intact.manager.leave(id, reason)
                for space in await intact.notes.keys(beginning: "space:") {
                    let other = Lockspace.ID(kind: id.kind, name: String(space.dropFirst(6)))
                    for name in ["lv-1", "lv-2", "lv-3"] where other != id {
                        let resource = Resource.ID(
                            lockspace: other, name: .logicalVolume(name))
                        try? await intact.manager.release(resource, writing: nil)
                    }
                }
            }
        },
        Mutation(
            "takes the volume group's lock for its first volume's",
            breaks: [
                "resources/apart"
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var resource = resource
                if resource.id.name == .volumeGroup { resource.id.name = .logicalVolume("lv-1") }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "takes volumes of one name for one, in all lockspaces",
            breaks: [
                "resources/lockspaces-apart", "resources/long-lockspaces",
            ]
        ) {
            $0.joining = { intact, prepared, options throws(LockManagerError) in
                await intact.notes.set("space:\(prepared.lockspace.id.name)", 1)
                return try await intact.manager.join(prepared, options)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                for space in await intact.notes.keys(beginning: "space:") {
                    var twin = resource.id
                    twin.lockspace.name = String(space.dropFirst(6))
                    let others = intact.others(on: twin)
                    if others.contains(where: { !$0.mode.isCompatible(with: mode) })
                        && twin != resource.id
                    {
                        return .contended(Contention())
                    }
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("cuts long names", breaks: ["resources/long-names"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                var resource = resource
                if case .logicalVolume(let uuid) = resource.id.name {
                    resource.id.name = .logicalVolume(String(uuid.prefix(36)))
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation("holds four resources and no more", breaks: ["resources/many-at-once"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let key = "count:\(intact.host)"
                if await intact.notes.count(key) > 4 {
                    await intact.notes.count(key, by: -1)
                    return .contended(Contention())
                }
                let outcome = try await intact.manager.acquire(resource, mode, options)
                if outcome.grant == nil { await intact.notes.count(key, by: -1) }
                return outcome
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if intact.mode(of: id) > .null {
                    await intact.notes.count("count:\(intact.host)", by: -1)
                }
                try await intact.manager.release(id, writing: value)
            }
            $0.leaving = { intact, id, reason throws(LockManagerError) in
                await intact.notes.set("count:\(intact.host)", 0)
                try await intact.manager.leave(id, reason)
            }
        },
    ]
}

extension LockManagerError {
    fileprivate var sayingUnchanged: LockManagerError {
        var error = self
        error.hold = .unchanged
        return error
    }
}

extension Intact {
    fileprivate func releaseNotingFailure(
        _ id: Resource.ID, _ value: ValueBlock?
    ) async throws(LockManagerError) {
        do throws(LockManagerError) {
            try await self.manager.release(id, writing: value)
        } catch {
            await self.notes.set("failed:\(self.key(id))", self.host)
            throw error
        }
    }
}
