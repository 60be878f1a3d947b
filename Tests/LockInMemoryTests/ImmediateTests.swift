import LockCore
import LockInMemory
import Testing

/// Stands for the engine's shell: it asks the manager from its own executor.
private actor Shell {
    private(set) var outcomes: [AcquireOutcome] = []

    /// Returns what has been answered by the time the started task gives back control.
    func startAcquire(
        _ manager: InMemoryLockManager, _ resource: Resource, waiting: Bool = false
    ) -> (answers: Int, task: Task<Void, Never>) {
        let task = Task.immediate {
            let outcome = try? await manager.acquire(resource, .exclusive, waiting: waiting)
            if let outcome { self.outcomes.append(outcome) }
        }
        return (self.outcomes.count, task)
    }

    func startCycle(_ manager: InMemoryLockManager, _ resource: Resource) -> Bool {
        var isDone = false
        Task.immediate {
            _ = try? await manager.acquire(resource, .shared)
            _ = try? await manager.convert(resource.id, to: .exclusive, writing: nil)
            try? await manager.letGo(resource, writing: 1)
            await manager.forget(resource.id)
            isDone = true
        }
        return isDone
    }
}

@Suite(.timeLimit(.minutes(1))) struct ImmediateTests {
    @Test func `an acquire answers before its caller is suspended`() async throws {
        let test = try await TestCluster()
        let shell = Shell()
        #expect(await shell.startAcquire(test.alice, test.volume).answers == 1)
        #expect(await shell.startAcquire(test.bob, test.volume).answers == 2)
        let outcomes = await shell.outcomes
        #expect(outcomes.map(\.isGranted) == [true, false])
    }

    @Test func `so do the other calls`() async throws {
        let test = try await TestCluster()
        #expect(await Shell().startCycle(test.alice, test.volume))
    }

    @Test func `only a request that waits suspends`() async throws {
        let test = try await TestCluster()
        let shell = Shell()
        try await test.alice.take(test.volume, .exclusive)
        let waiting = await shell.startAcquire(test.bob, test.volume, waiting: true)
        #expect(waiting.answers == 0)
        try await test.alice.letGo(test.volume)
        await waiting.task.value
        #expect(await shell.outcomes.count == 1)
    }

    @Test func `a waiting request that is free already answers at once`() async throws {
        let test = try await TestCluster()
        let shell = Shell()
        #expect(await shell.startAcquire(test.bob, test.volume, waiting: true).answers == 1)
    }
}
