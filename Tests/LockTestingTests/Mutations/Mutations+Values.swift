import LockCore
import LockInMemory

extension Mutation {
    static let values: [Mutation] = [
        Mutation(
            "reads a block that was never written as version 1",
            breaks: [
                "value/forward", "value/fresh",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    if mode == .exclusive && $0.value == .value(ValueBlock()) {
                        $0.value = .value(ValueBlock(format: 0x0101, resourceVersion: 1))
                    }
                }
            }
        },
        Mutation("loses the flags of a block", breaks: ["value/release"]) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                var value = value
                value?.flags = []
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation("publishes nothing when it converts", breaks: ["value/conversion"]) {
            $0.converting = { intact, id, mode, _ throws(LockManagerError) in
                try await intact.manager.convert(id, to: mode, writing: nil)
            }
        },
        Mutation("reads nothing when it converts to exclusive", breaks: ["value/converted-up"]) {
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                try await intact.manager.convert(id, to: mode, writing: value).changing {
                    $0.value = .unknown
                }
            }
        },
        Mutation("clears the block when a writer has nothing to publish", breaks: ["value/kept"]) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                let block = intact.mode(of: id) == .exclusive ? value ?? ValueBlock() : value
                try await intact.manager.release(id, writing: block)
            }
        },
        Mutation("loses the fifth block that is published", breaks: ["value/forward"]) {
            $0.releasing = { intact, id, value throws(LockManagerError) in
                var value = value
                if value != nil, await intact.notes.count(intact.key(id)) == 5 { value = nil }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation("keeps one block for all resources of a lockspace", breaks: ["value/own"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let last = await intact.notes.published(resource.id.lockspace.name).last
                return try await intact.manager.acquire(resource, mode, options).changing {
                    if let last, case .value = $0.value { $0.value = .value(last) }
                }
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if let value { await intact.notes.publish(id.lockspace.name, value) }
                try await intact.manager.release(id, writing: value)
            }
            $0.converting = { intact, id, mode, value throws(LockManagerError) in
                if let value { await intact.notes.publish(id.lockspace.name, value) }
                return try await intact.manager.convert(id, to: mode, writing: value)
            }
            $0.leaving = { intact, id, reason throws(LockManagerError) in
                await intact.notes.removeAll(containing: id.name)
                try await intact.manager.leave(id, reason)
            }
        },
        Mutation("keeps the blocks of a group that is removed", breaks: ["value/removed-group"]) {
            $0.leaving = { intact, id, _ throws(LockManagerError) in
                try await intact.manager.leave(id, .stopped)
            }
        },
        Mutation(
            "reads the block before the last after its writer's death",
            breaks: [
                "value/after-death"
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let blocks = await intact.notes.published(intact.key(resource.id))
                var isOld = blocks.count > 1
                if isOld { isOld = await !intact.cluster.host(1).isRunning() }
                return try await intact.manager.acquire(resource, mode, options).changing {
                    if isOld { $0.value = .value(blocks[blocks.count - 2]) }
                }
            }
            $0.releasing = { intact, id, value throws(LockManagerError) in
                if let value { await intact.notes.publish(intact.key(id), value) }
                try await intact.manager.release(id, writing: value)
            }
        },
        Mutation("never tells that something changed", of: .idm, breaks: ["value/stamp"]) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    if $0.value == .changed { $0.value = .unchanged }
                }
            }
        },
        Mutation(
            "takes what it does not know for unchanged", of: .idm,
            breaks: [
                "forgetting/stamp", "value/stamp-of-stranger",
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    if $0.value == .unknown { $0.value = .unchanged }
                }
            }
        },
        Mutation(
            "claims that nothing changed without a value block", of: .plain,
            breaks: [
                "value/none"
            ]
        ) {
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options).changing {
                    $0.value = .unchanged
                }
            }
        },
        Mutation(
            "forgets the block with the first host that forgets it",
            breaks: [
                "forgetting/block-stays"
            ]
        ) {
            $0.forgetting = { intact, id in
                intact.cluster.loseValueBlock(of: id)
                await intact.manager.forget(id)
            }
        },
        Mutation("lets everybody go when one host forgets", breaks: ["forgetting/others-hold"]) {
            $0.forgetting = { intact, id in
                for other in intact.others(on: id) {
                    try? await intact.cluster.host(other.host).release(id, writing: nil)
                }
            }
        },
        Mutation(
            "does not find again what it forgot",
            breaks: [
                "forgetting/again", "forgetting/others-hold", "tokens/grow",
            ]
        ) {
            $0.forgetting = { intact, id in await intact.notes.set(intact.own(id), 1) }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                if await intact.notes.get(intact.own(resource.id)) == 1 {
                    throw LockManagerError(.managerFailed, doing: "acquire")
                }
                return try await intact.manager.acquire(resource, mode, options)
            }
        },
        Mutation(
            "remembers a stamp that it was to forget", of: .idm,
            breaks: [
                "forgetting/stamp"
            ]
        ) {
            $0.forgetting = { intact, id in
                await intact.notes.set(intact.own(id), 1)
                await intact.manager.forget(id)
            }
            $0.acquiring = { intact, resource, mode, options throws(LockManagerError) in
                let wasForgotten = await intact.notes.get(intact.own(resource.id)) == 1
                return try await intact.manager.acquire(resource, mode, options).changing {
                    if wasForgotten { $0.value = .unchanged }
                }
            }
        },
    ]
}
