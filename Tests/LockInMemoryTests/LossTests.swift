import LockCore
import LockInMemory
import Testing

@Suite(.timeLimit(.minutes(1))) struct LossTests {
    let clock = ManualClock()

    func cluster(
        hosts: Int = 2, _ change: (inout InMemoryCluster.Configuration) -> Void = { _ in }
    ) async throws -> TestCluster {
        var configuration = InMemoryCluster.Configuration.native
        configuration.clock = self.clock
        change(&configuration)
        return try await TestCluster(hosts: hosts, configuration)
    }

    @Test func `a host learns that it lost a lockspace`() async throws {
        let test = try await self.cluster()
        let membership = try await test.alice.rejoin(test.lockspace)
        test.cluster.lose(
            test.lockspace.id, on: 1, certainFor: .seconds(8), reason: "renewal failed")
        test.cluster.restart(1)
        let event = LockManagerEvent(
            lockspace: test.lockspace.id, membership: membership.id,
            what: .lost(reason: "renewal failed", certainFor: .seconds(8)))
        #expect(await test.alice.collectedEvents() == [event])
    }

    @Test func `others get the holds of a lost host when its time is over`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.lose(test.lockspace.id, on: 1, certainFor: .seconds(8))
        let owner = try await test.bob.acquire(test.volume, .shared).contention?.owner
        #expect(owner?.state == .failing)
        self.clock.advance(by: .seconds(7))
        #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        self.clock.advance(by: .seconds(1))
        #expect(try await test.bob.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a request that waits is granted when a lost host's time is over`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.lose(test.lockspace.id, on: 1, certainFor: .seconds(8))
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        self.clock.advance(by: .seconds(8))
        #expect(try await bob.value.isGranted)
    }

    @Test func `a lost host can do nothing but let go and leave`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.lose(test.lockspace.id, on: 1, certainFor: .seconds(8))
        let calls: [() async throws -> Void] = [
            { _ = try await test.alice.acquire(test.group, .shared) },
            { _ = try await test.alice.convert(test.volume.id, to: .shared, writing: nil) },
            { _ = try await test.alice.otherHosts(in: test.lockspace.id) },
        ]
        for call in calls {
            #expect(try await failure(call).code == .lockLost)
        }
        try await test.alice.letGo(test.volume)
        #expect(try await test.bob.acquire(test.volume, .exclusive).isGranted)
        let rejoin = try await failure { try await test.alice.join(test.lockspace) }
        #expect(rejoin.code == .lockspaceExists)
        try await test.alice.leave(test.lockspace.id, .dropped)
        #expect(try await test.alice.join(test.lockspace).generation == 2)
    }

    @Test func `a lockspace is lost without the others`() async throws {
        let test = try await self.cluster()
        let other = Lockspace(volumeGroup: "vg1", kind: .memory)
        try await test.alice.join(other)
        test.cluster.lose(test.lockspace.id, on: 1, certainFor: .zero)
        let volume = Resource(Resource.ID(lockspace: other.id, name: .volumeGroup))
        #expect(try await test.alice.acquire(volume, .exclusive).isGranted)
    }

    @Test func `a crashed host keeps its holds until it is declared dead`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.crash(1)
        self.clock.advance(by: .seconds(1_000_000))
        let owner = try await test.bob.acquire(test.volume, .shared).contention?.owner
        #expect(owner?.state == .failing)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        test.cluster.declareDead(1)
        #expect(try await bob.value.isGranted)
        #expect(try await test.bob.otherHosts(in: test.lockspace.id) == .none)
    }

    @Test func `a crashed host's holds expire where that is configured`() async throws {
        let test = try await self.cluster { $0.crashedHostExpires = .seconds(80) }
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.crash(1)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        self.clock.advance(by: .seconds(79))
        #expect(try await test.bob.otherHosts(in: test.lockspace.id) == .count(1))
        self.clock.advance(by: .seconds(1))
        #expect(try await bob.value.isGranted)
    }

    @Test func `a crashed host answers no call`() async throws {
        let test = try await self.cluster()
        test.cluster.crash(1)
        let error = try await failure { _ = try await test.alice.acquire(test.volume, .shared) }
        #expect(error.code == .managerUnavailable)
        #expect(await test.alice.collectedEvents().isEmpty)
    }

    @Test func `a host that comes back with a new generation has lost its holds`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.crash(1)
        let alice = test.cluster.restart(1)
        #expect(try await alice.leftBehind() == [])
        #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        var taken = test.lockspace
        taken.hostID = 2
        #expect(try await failure { try await alice.join(taken) }.code == .badHostID)
        #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        #expect(try await alice.join(test.lockspace).generation == 2)
        #expect(try await test.bob.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a host that was declared dead but lives learns of its loss`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.declareDead(1)
        #expect(try await test.bob.acquire(test.volume, .exclusive).isGranted)
        let error = try await failure { _ = try await test.alice.acquire(test.group, .shared) }
        #expect(error.code == .lockLost)
        test.cluster.restart(1)
        let events = await test.alice.collectedEvents().map(\.what)
        #expect(events == [.lost(reason: "declared dead", certainFor: .zero)])
    }

    @Test func `a host that is cut off keeps its holds and reaches nothing`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.cutOff(1)
        let error = try await failure { _ = try await test.alice.acquire(test.group, .shared) }
        #expect(error.code == .managerUnavailable)
        #expect(error.hold == .unchanged)
        #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        test.cluster.reconnect(1)
        #expect(try await test.alice.acquire(test.group, .shared).isGranted)
    }

    @Test func `a release while cut off is finished after reconnection`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.cutOff(1)
        _ = try await failure { try await test.alice.letGo(test.volume) }
        for _ in 1...3 {
            #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        }
        test.cluster.reconnect(1)
        _ = try await test.bob.acquire(test.volume, .shared)
        #expect(try await test.bob.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a host cut off from its storage gets a storage error`() async throws {
        let test = try await TestCluster(hosts: 1, .like("sanlock"))
        test.cluster.cutOff(1)
        let error = try await failure { _ = try await test.alice.acquire(test.group, .shared) }
        #expect(error.code == .ioTimedOut)
        #expect(error.layer == .storage)
    }
}

extension InMemoryLockManager {
    func rejoin(_ lockspace: Lockspace) async throws -> Membership {
        try await self.leave(lockspace.id, .stopped)
        return try await self.join(lockspace)
    }
}
