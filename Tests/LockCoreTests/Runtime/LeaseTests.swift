import LockCore
import LockInMemory
import Testing

/// What callers in the same process see.
struct LeaseTests {
    private let cluster = InMemoryCluster()
    private let lockspace = Lockspace(volumeGroup: "vg0", kind: .memory)

    private func join(
        _ host: UInt64, time: any TimeSource = ManualTime()
    ) async throws -> JoinedLockspace {
        let service = LockService(
            managers: [self.cluster.host(host)],
            configuration: LockService.Configuration(time: time))
        return try await service.join(self.lockspace)
    }

    private func holds(_ uuid: String) -> [LockMode] {
        self.cluster.holds(
            on: Resource.ID(lockspace: self.lockspace.id, name: .logicalVolume(uuid))
        ).map(\.mode)
    }

    @Test func `a scope holds its lock as long as its body runs`() async throws {
        let space = try await self.join(1)
        let value = try await space.withLock(.logicalVolume("u1"), .exclusive) { lease in
            #expect(lease.mode == .exclusive)
            #expect(self.holds("u1") == [.exclusive])
            return 42
        }
        #expect(value == 42)
        #expect(self.holds("u1") == [])
    }

    @Test func `a scope lets go when its body throws`() async throws {
        struct Failure: Error {}
        let space = try await self.join(1)
        await #expect(throws: Failure.self) {
            try await space.withLock(.logicalVolume("u1"), .exclusive) { _ in throw Failure() }
        }
        #expect(self.holds("u1") == [])
    }

    @Test func `tokens grow with every exclusive grant on any host`() async throws {
        let spaces = [try await self.join(1), try await self.join(2)]
        var last = FencingToken(rawValue: 0)
        for space in spaces + spaces {
            let token = try await space.withLock(.volumeGroup, .exclusive) { $0.token }
            #expect(try #require(token) > last)
            last = try #require(token)
        }
    }

    @Test func `trying answers at once whoever is in the way`() async throws {
        let here = try await self.join(1)
        let there = try await self.join(2)
        let lease = try #require(try await here.tryAcquire(.logicalVolume("u1"), .exclusive))
        #expect(try await here.tryAcquire(.logicalVolume("u1"), .exclusive) == nil)
        #expect(try await there.tryAcquire(.logicalVolume("u1"), .shared) == nil)
        await lease.release()
        let other = try #require(try await there.tryAcquire(.logicalVolume("u1"), .shared))
        #expect(try await here.tryAcquire(.logicalVolume("u1"), .shared) != nil)
        await other.release()
    }

    @Test func `a deadline ends the wait for a client of this host and for another host`()
        async throws
    {
        let times = [ManualTime(), ManualTime()]
        let here = try await self.join(1, time: times[0])
        let there = try await self.join(2, time: times[1])
        let lease = try await here.acquire(.logicalVolume("u1"), .exclusive)
        for (space, time) in zip([here, there], times) {
            let late = Task {
                try await space.acquire(
                    .logicalVolume("u1"), .exclusive, deadline: .now + .seconds(5))
            }
            await time.untilAsleep(1)
            time.pass(.seconds(6))
            await #expect { _ = try await late.value } throws: { error in
                (error as? LockError)?.code == .timedOut
            }
        }
        await lease.release()
        #expect(self.holds("u1") == [])
    }

    @Test func `cancelling the task ends the wait`() async throws {
        let space = try await self.join(1)
        let lease = try await space.acquire(.volumeGroup, .exclusive)
        let waiting = Task { try await space.acquire(.volumeGroup, .exclusive) }
        waiting.cancel()
        await #expect { _ = try await waiting.value } throws: { error in
            (error as? LockError)?.code == .cancelled
        }
        await lease.release()
        #expect(try await space.tryAcquire(.volumeGroup, .exclusive) != nil)
    }

    @Test func `a lock changes its mode at once or not at all`() async throws {
        let here = try await self.join(1)
        let there = try await self.join(2)
        let lease = try await here.acquire(.logicalVolume("u1"), .exclusive)
        try await lease.convert(to: .shared)
        let other = try await there.acquire(.logicalVolume("u1"), .shared)
        await #expect { try await lease.convert(to: .exclusive) } throws: { error in
            (error as? LockError)?.code == .contended
        }
        await other.release()
        try await lease.convert(to: .exclusive)
        #expect(self.holds("u1") == [.exclusive])
    }

    @Test func `the version that a holder publishes reaches the next one`() async throws {
        let here = try await self.join(1)
        let there = try await self.join(2)
        try await here.withLock(.volumeGroup, .exclusive) { try await $0.publish(version: 7) }
        let seen = try await there.withLock(.volumeGroup, .shared) { $0.value }
        #expect(
            seen == .value(ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 7)))
        #expect(try await there.withLock(.volumeGroup, .shared) { $0.value } == .unchanged)
    }

    @Test func `losing the lockspace cancels the body`() async throws {
        let space = try await self.join(1)
        let isInside = AsyncStream<Void>.makeStream()
        let body = Task {
            try await space.withLock(.logicalVolume("u1"), .exclusive) { _ in
                isInside.continuation.yield()
                try await Task.sleep(for: .seconds(3600))
            }
        }
        for await _ in isInside.stream { break }
        self.cluster.lose(self.lockspace.id, on: 1, certainFor: .seconds(10))
        await #expect { try await body.value } throws: { error in
            (error as? LockError)?.code == .lockLost
        }
        await #expect { _ = try await space.acquire(.volumeGroup, .shared) } throws: { error in
            (error as? LockError)?.code == .lockspaceKilled
        }
    }

    @Test func `a holder learns that another host wants its lock`() async throws {
        let here = try await self.join(1)
        let there = try await self.join(2)
        let lease = try await here.acquire(.logicalVolume("u1"), .exclusive)
        async let wanted = there.acquire(.logicalVolume("u1"), .exclusive)
        for await news in lease.news {
            #expect(news == .wanted)
            break
        }
        await lease.release()
        await (try await wanted).release()
    }

    @Test func `what happens to lockspaces is told`() async throws {
        let service = LockService(
            managers: [self.cluster.host(1)],
            configuration: LockService.Configuration(time: ManualTime()))
        let space = try await service.join(self.lockspace)
        try await space.leave()
        var told: [String] = []
        for await event in service.events {
            switch event {
            case .started(let id): told.append("started \(id)")
            case .stopped(let id): told.append("stopped \(id)")
            default: Issue.record("unexpected: \(event)")
            }
            if told.count == 4 { break }
        }
        #expect(
            told == [
                "started lvm_global", "started lvm_vg0", "stopped lvm_vg0", "stopped lvm_global",
            ])
    }

    @Test func `leaving is refused while a volume is locked`() async throws {
        let space = try await self.join(1)
        let lease = try await space.acquire(.logicalVolume("u1"), .shared)
        await #expect { try await space.leave() } throws: { error in
            (error as? LockError)?.code == .lockspaceBusy
        }
        await lease.release()
        try await space.leave()
    }
}
