import LockCore
import Synchronization
import Testing

@testable import LockDLM

/// Callers that come in crowds, or are gone before the kernel has answered.
@Suite(.timeLimit(.minutes(5))) struct CallerTests {
    private static let shortPatience = Duration.milliseconds(50)

    private static func resource(_ name: String) -> Resource {
        Resource(Resource.ID(lockspace: SimulatedWorld.group.id, name: .logicalVolume(name)))
    }

    /// An acquire, and whether it has its answer.
    private final class Request: Sendable {
        let isOver = Atomic<Bool>(false)

        func run(
            _ manager: DLMLockManager, _ volume: Resource, _ options: AcquireOptions
        ) async throws -> AcquireOutcome {
            defer { self.isOver.store(true, ordering: .releasing) }
            return try await manager.acquire(volume, .exclusive, options)
        }

        /// Asks for it back until it is over: nothing tells when it has begun.
        func withdraw(_ manager: DLMLockManager, _ volume: Resource) async {
            while !self.isOver.load(ordering: .acquiring) {
                await manager.cancelAcquire(volume.id)
                await Task.yield()
            }
        }
    }

    @Test func `a lock's memory stays until the kernel has answered, whoever is gone`()
        async throws
    {
        let world = SimulatedWorld(seed: 3)
        let (holder, caller) = (
            try await world.joined(1), try await world.joined(2)
        )
        let volume = Self.resource("lv")
        for point in 0..<200 {
            let holds = point % 2 == 0
            if holds { _ = try await holder.acquire(volume, .exclusive, AcquireOptions()) }
            let request = Request()
            let task = Task {
                try await request.run(caller, volume, AcquireOptions(waiting: true))
            }
            try await Task.sleep(for: .microseconds(point * 25))
            if point % 3 == 0 { task.cancel() } else { await request.withdraw(caller, volume) }
            if point % 5 == 0 { task.cancel() }
            if holds && point % 4 == 0 { try await holder.release(volume.id, writing: nil) }
            if case .granted = try await task.value {
                try await caller.release(volume.id, writing: nil)
            }
            await caller.forget(volume.id)
            if holds && point % 4 != 0 { try await holder.release(volume.id, writing: nil) }
            await holder.forget(volume.id)
            #expect(world.kernel.misuse.isEmpty, "point \(point)")
        }
        #expect(world.kernel.blocksInUse == 0)
    }

    @Test func `a lockspace that is left with requests under way frees everything`()
        async throws
    {
        let world = SimulatedWorld(seed: 4)
        let holder = try await world.joined(1)
        for round in 0..<20 {
            let caller = try await world.joined(2)
            let volumes = (0..<20).map { Self.resource("lv\($0)") }
            for volume in volumes where round % 2 == 0 {
                _ = try await holder.acquire(volume, .exclusive, AcquireOptions())
            }
            let tasks = volumes.map { volume in
                Task { try await caller.acquire(volume, .shared, AcquireOptions(waiting: true)) }
            }
            try await Task.sleep(for: .microseconds(round * 100))
            try await caller.leave(SimulatedWorld.group.id, .stopped)
            for task in tasks { _ = await task.result }
            for volume in volumes {
                try await holder.release(volume.id, writing: nil)
                await holder.forget(volume.id)
            }
            #expect(world.kernel.misuse.isEmpty, "round \(round)")
            #expect(world.kernel.blocksInUse == 0, "round \(round)")
        }
    }

    @Test func `thousands wait without a thread each, and all are granted`() async throws {
        let world = SimulatedWorld(seed: 5)
        let (holder, caller) = (
            try await world.joined(1), try await world.joined(2)
        )
        let volumes = (0..<3000).map { Self.resource("lv\($0)") }
        for volume in volumes {
            _ = try await holder.acquire(volume, .exclusive, AcquireOptions())
        }
        let before = try Threads.count()
        let tasks = volumes.map { volume in
            Task { try await caller.acquire(volume, .exclusive, AcquireOptions(waiting: true)) }
        }
        while world.kernel.waiting < volumes.count { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try Threads.count() < before + 20)
        for volume in volumes { try await holder.release(volume.id, writing: nil) }
        for task in tasks {
            guard case .granted = try await task.value else {
                Issue.record("a request that waited was not granted")
                return
            }
        }
        #expect(world.kernel.misuse.isEmpty)
    }

    @Test(arguments: [false, true])
    func `in a lockspace that is stopped, an acquire that waits for no host is answered`(
        withdrawn: Bool
    ) async throws {
        let world = SimulatedWorld(seed: 6, patience: Self.shortPatience)
        let manager = try await world.joined(1)
        let volume = Self.resource("lv")
        world.kernel.stop(true)
        let task = Task {
            try await manager.acquire(volume, .exclusive, AcquireOptions(waiting: withdrawn))
        }
        while world.kernel.blocked == 0 { try await Task.sleep(for: .milliseconds(1)) }
        if withdrawn { await manager.cancelAcquire(volume.id) }
        let error = await #expect(throws: LockManagerError.self) { try await task.value }
        #expect(error?.code == .managerUnavailable)
        #expect(error?.hold == .unknown)
        let release = Task { try await manager.release(volume.id, writing: nil) }
        world.kernel.stop(false)
        try await release.value
        let other = try await world.joined(2)
        let waiting = AcquireOptions(waiting: true)
        guard case .granted = try await other.acquire(volume, .exclusive, waiting) else {
            Issue.record("what was granted to nobody was not released")
            return
        }
        #expect(world.kernel.misuse.isEmpty)
    }

    @Test func `what was given up in a lockspace that is stopped does not wait on`() async throws {
        let world = SimulatedWorld(seed: 8, patience: Self.shortPatience)
        let (holder, caller) = (
            try await world.joined(1), try await world.joined(2)
        )
        let volume = Self.resource("lv")
        // Patience, short as it is, is for those who do not wait.
        let waiting = AcquireOptions(waiting: true)
        _ = try await caller.acquire(volume, .shared, waiting)
        try await caller.release(volume.id, writing: nil)
        _ = try await holder.acquire(volume, .exclusive, waiting)
        world.kernel.stop(true)
        let task = Task { try await caller.acquire(volume, .exclusive, waiting) }
        while world.kernel.blocked == 0 { try await Task.sleep(for: .milliseconds(1)) }
        await caller.cancelAcquire(volume.id)
        let error = await #expect(throws: LockManagerError.self) { try await task.value }
        #expect(error?.hold == .unknown)
        world.kernel.stop(false)
        // The other host goes on holding.
        try await caller.release(volume.id, writing: nil)
        #expect(world.kernel.waiting == 0)
        #expect(world.kernel.misuse.isEmpty)
    }
}
