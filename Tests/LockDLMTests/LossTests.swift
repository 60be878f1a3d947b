import Dispatch
import LockCore
import Testing

@testable import LockDLM

/// dlm_controld ends, and the kernel answers nothing any more.
@Suite(.timeLimit(.minutes(1))) struct LossTests {
    private static func isFreed(_ kernel: SimulatedKernel) async throws {
        while kernel.blocksInUse > 0 || !kernel.lockspaces(of: 1).isEmpty {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(kernel.misuse.isEmpty)
    }

    /// A manager that has joined, and holds the group's lock.
    private static func holder(_ world: SimulatedWorld) async throws -> DLMLockManager {
        let manager = try await world.joined(1)
        let resource = Resource(Resource.ID(lockspace: SimulatedWorld.group.id, name: .volumeGroup))
        _ = try await manager.acquire(resource, .exclusive, AcquireOptions())
        return manager
    }

    @Test func `a lockspace that is lost is left at once`() async throws {
        let world = SimulatedWorld()
        let manager = try await Self.holder(world)
        world.kernel.stop(true)
        let volume = Resource.ID(lockspace: SimulatedWorld.group.id, name: .logicalVolume("lv"))
        let acquire = Task {
            try await manager.acquire(Resource(volume), .exclusive, AcquireOptions())
        }
        while world.kernel.blocked == 0 { try await Task.sleep(for: .milliseconds(1)) }
        world.daemon.end()
        let error = await #expect(throws: LockManagerError.self) { try await acquire.value }
        #expect(error?.code == .lockLost)
        try await manager.leave(SimulatedWorld.group.id, .dropped)
        #expect(world.kernel.blocksInUse > 0, "the kernel still uses them")
        world.kernel.stop(false)
        try await Self.isFreed(world.kernel)
    }

    @Test func `a lockspace that is lost while it is left is not waited for`() async throws {
        let world = SimulatedWorld()
        let manager = try await Self.holder(world)
        world.kernel.stop(true)
        let leave = Task { try await manager.leave(SimulatedWorld.group.id, .stopped) }
        while world.kernel.blocked == 0 { try await Task.sleep(for: .milliseconds(1)) }
        world.daemon.end()
        try await leave.value
        world.kernel.stop(false)
        try await Self.isFreed(world.kernel)
    }

    @Test func `nothing is joined whose loss would not be noticed`() async throws {
        let world = SimulatedWorld()
        world.daemon.end()
        let error = await #expect(throws: LockManagerError.self) { try await Self.holder(world) }
        #expect(error?.code == .managerUnavailable)
        #expect(error?.advice.contains("dlm_controld") == true)
        #expect(world.kernel.lockspaces(of: 1).isEmpty)
    }

    @Test func `a join during which dlm_controld ends fails`() async throws {
        let world = SimulatedWorld()
        var calls = world.kernel.calls(1)
        let create = calls.create
        calls.create = { name in
            defer { world.daemon.end() }
            return create(name)
        }
        let manager = world.manager(1, calls: calls)
        let prepared = try await manager.prepare(SimulatedWorld.group, JoinOptions())
        let error = await #expect(throws: LockManagerError.self) {
            try await manager.join(prepared, JoinOptions())
        }
        #expect(error?.code == .managerUnavailable)
        try await Self.isFreed(world.kernel)
    }

    @Test func `a join that the kernel never concludes fails when dlm_controld ends`() async throws
    {
        let world = SimulatedWorld()
        let (steps, step) = AsyncStream.makeStream(of: Void.self)
        let answer = DispatchSemaphore(value: 0)
        var calls = world.kernel.calls(1)
        let create = calls.create
        calls.create = { name in
            step.yield()
            answer.wait()
            defer { step.yield() }
            return create(name)
        }
        let manager = world.manager(1, calls: calls)
        let prepared = try await manager.prepare(SimulatedWorld.group, JoinOptions())
        let join = Task { try await manager.join(prepared, JoinOptions()) }
        var progress = steps.makeAsyncIterator()
        _ = await progress.next()
        world.daemon.end()
        let error = await #expect(throws: LockManagerError.self) { try await join.value }
        #expect(error?.code == .managerUnavailable)
        let again = await #expect(throws: LockManagerError.self) {
            try await manager.join(prepared, JoinOptions())
        }
        #expect(again?.code == .managerUnavailable)
        #expect(again?.advice.contains("restarted") == true)

        // Should the kernel join after all, that is undone.
        answer.signal()
        _ = await progress.next()
        try await Self.isFreed(world.kernel)
    }

    @Test func `who leaves no longer watches`() async throws {
        let world = SimulatedWorld()
        let manager = try await Self.holder(world)
        #expect(world.daemon.watchers == 1)
        try await manager.leave(SimulatedWorld.group.id, .stopped)
        #expect(world.daemon.watchers == 0)
    }
}
