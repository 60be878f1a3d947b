import LockCore
import LockInMemory
import Testing

@Suite(.timeLimit(.minutes(1))) struct QueueTests {
    @Test func `waiting requests are granted first in first out`() async throws {
        let test = try await TestCluster(hosts: 4)
        try await test.alice.take(test.volume, .exclusive)
        let waiting = test.hosts[1...].map { host in
            started { try await host.acquire(test.volume, .exclusive, waiting: true) }
        }
        for (holder, waiter) in zip(test.hosts, waiting) {
            try await holder.letGo(test.volume)
            #expect(try await waiter.value.isGranted)
            #expect(test.cluster.holds(on: test.volume.id).count == 1)
        }
    }

    @Test func `shared requests that wait together are granted together`() async throws {
        let test = try await TestCluster(hosts: 3)
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        let carol = started { try await test.carol.acquire(test.volume, .shared, waiting: true) }
        try await test.alice.letGo(test.volume)
        #expect(try await bob.value.isGranted)
        #expect(try await carol.value.isGranted)
    }

    @Test func `nobody overtakes a request that waits`() async throws {
        let test = try await TestCluster(hosts: 4)
        try await test.alice.take(test.volume, .shared)
        let bob = started { try await test.bob.acquire(test.volume, .exclusive, waiting: true) }
        let carol = started { try await test.carol.acquire(test.volume, .shared, waiting: true) }
        let impatient = try await test.hosts[3].acquire(test.volume, .shared)
        #expect(impatient == .contended(Contention()))
        #expect(test.modes(test.volume) == [1: .shared])
        try await test.alice.letGo(test.volume)
        #expect(try await bob.value.isGranted)
        #expect(test.modes(test.volume) == [2: .exclusive])
        try await test.bob.letGo(test.volume)
        #expect(try await carol.value.isGranted)
    }

    @Test func `a cancelled request is contended and out of the way`() async throws {
        let test = try await TestCluster(hosts: 3)
        try await test.alice.take(test.volume, .shared)
        let bob = started { try await test.bob.acquire(test.volume, .exclusive, waiting: true) }
        let carol = started { try await test.carol.acquire(test.volume, .shared, waiting: true) }
        await test.bob.cancelAcquire(test.volume.id)
        #expect(try await bob.value == .contended(Contention()))
        #expect(try await carol.value.isGranted)
    }

    @Test func `cancelling what was granted meanwhile changes nothing`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        try await test.alice.letGo(test.volume)
        await test.bob.cancelAcquire(test.volume.id)
        #expect(try await bob.value.isGranted)
        #expect(test.modes(test.volume) == [2: .shared])
    }

    @Test func `a cancelled task withdraws its request`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        bob.cancel()
        #expect(try await bob.value == .contended(Contention()))
        try await test.alice.letGo(test.volume)
        #expect(test.modes(test.volume) == [:])
    }

    @Test func `a task that was cancelled before does not wait`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await test.bob.acquire(test.volume, .shared, waiting: true)
        }
        #expect(try await bob.value == .contended(Contention()))
    }

    @Test func `a request that may not wait is answered at once`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        #expect(try await test.bob.acquire(test.volume, .shared).contention != nil)
    }

    @Test func `a manager without a queue answers at once`() async throws {
        let test = try await TestCluster(hosts: 2, .like("sanlock"))
        try await test.alice.take(test.volume, .exclusive)
        let outcome = try await test.bob.acquire(test.volume, .shared, waiting: true)
        #expect(outcome.contention?.owner?.id == 1)
    }

    @Test func `a request that waits is granted when a failed release is finished`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        test.cluster.inject(
            .failure(.managerFailed, hold: .unchanged, status: nil), where: .init(.release))
        _ = try await failure { try await test.alice.letGo(test.volume, writing: 3) }
        #expect(try await bob.value.grant?.value == .value(.version(3)))
    }

    @Test func `it is finished only when the host can be reached again`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        test.cluster.cutOff(1)
        _ = try await failure { try await test.alice.letGo(test.volume) }
        #expect(test.modes(test.volume) == [1: .exclusive])
        test.cluster.reconnect(1)
        #expect(try await bob.value.isGranted)
    }

    @Test func `a holder learns once that somebody waits for its grant`() async throws {
        let test = try await TestCluster(hosts: 3)
        let grant = try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .exclusive, waiting: true) }
        let carol = started { try await test.carol.acquire(test.volume, .shared, waiting: true) }
        try await test.alice.letGo(test.volume)
        let second = try #require(try await bob.value.grant)
        try await test.bob.letGo(test.volume)
        _ = try await carol.value

        test.cluster.restart(1)
        test.cluster.restart(2)
        let name = test.volume.id.name
        let toAlice = await test.alice.collectedEvents().map(\.what)
        let toBob = await test.bob.collectedEvents().map(\.what)
        #expect(toAlice == [.wanted(name, by: grant.id)])
        #expect(toBob == [.wanted(name, by: second.id)])
    }

    @Test func `a request that does not wait tells nobody`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        _ = try await test.bob.acquire(test.volume, .shared)
        test.cluster.restart(1)
        #expect(await test.alice.collectedEvents().isEmpty)
    }
}

extension InMemoryLockManager {
    /// The events up to the end of the manager.
    func collectedEvents() async -> [LockManagerEvent] {
        await self.events.reduce(into: []) { $0.append($1) }
    }
}
