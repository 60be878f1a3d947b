import LockCore
import LockInMemory
import Testing

@Suite struct HoldTests {
    @Test(arguments: [LockMode.shared, .exclusive], [LockMode.shared, .exclusive])
    func `two hosts hold a resource only in compatible modes`(
        _ first: LockMode, _ second: LockMode
    ) async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, first)
        let outcome = try await test.bob.acquire(test.volume, second)
        #expect(outcome.isGranted == first.isCompatible(with: second))
        #expect(test.modes(test.volume)[1] == first)
    }

    @Test func `a released resource is free for others`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        try await test.alice.letGo(test.volume)
        #expect(try await test.bob.acquire(test.volume, .exclusive).isGranted)
        #expect(test.modes(test.volume) == [2: .exclusive])
    }

    @Test func `different resources do not touch each other`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        #expect(try await test.bob.acquire(test.group, .exclusive).isGranted)
        let other = test.resource(.logicalVolume("uuid-2"))
        #expect(try await test.bob.acquire(other, .exclusive).isGranted)
    }

    @Test func `a shared hold alone becomes exclusive and back`() async throws {
        let test = try await TestCluster()
        let shared = try await test.alice.take(test.volume, .shared)
        let up = try await test.alice.convert(test.volume.id, to: .exclusive, writing: nil)
        let exclusive = try #require(up.grant)
        #expect(exclusive.id != shared.id)
        #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
        let down = try await test.alice.convert(test.volume.id, to: .shared, writing: nil)
        #expect(down.isGranted)
        #expect(try await test.bob.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a conversion never waits and keeps the hold when refused`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .shared)
        try await test.bob.take(test.volume, .shared)
        let outcome = try await test.alice.convert(test.volume.id, to: .exclusive, writing: nil)
        #expect(outcome.contention?.owner?.id == 2)
        #expect(test.modes(test.volume) == [1: .shared, 2: .shared])
    }

    @Test func `a resource that is held cannot be acquired again`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .shared)
        let error = try await failure { _ = try await test.alice.acquire(test.volume, .shared) }
        #expect(error.code == .alreadyHeld)
        #expect(error.hold == .unchanged)
    }

    @Test func `what is not held cannot be converted but can be released`() async throws {
        let test = try await TestCluster()
        let error = try await failure {
            _ = try await test.alice.convert(test.volume.id, to: .shared, writing: nil)
        }
        #expect(error.code == .notHeld)
        try await test.alice.letGo(test.volume)
    }

    @Test func `a hold is shared or exclusive and nothing else`() async throws {
        let test = try await TestCluster()
        for mode in [LockMode.unlocked, .null] {
            let error = try await failure { _ = try await test.alice.acquire(test.volume, mode) }
            #expect(error.code == .invalidRequest)
        }
    }

    @Test func `contention names the owner where the manager knows it`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let owner = try await test.bob.acquire(test.volume, .shared).contention?.owner
        #expect(owner == Host(id: 1, generation: 1, state: .live, name: "host1"))
    }

    @Test func `contention names nobody where the manager cannot tell`() async throws {
        let test = try await TestCluster(hosts: 2, .like("dlm"))
        try await test.alice.take(test.volume, .exclusive)
        let outcome = try await test.bob.acquire(test.volume, .shared)
        #expect(outcome == .contended(Contention()))
        #expect(try await test.bob.holders(of: test.volume) == nil)
        #expect(try await test.bob.localHost(in: test.lockspace.id) == nil)
    }

    @Test func `holders are listed in the order of the grants`() async throws {
        let test = try await TestCluster(hosts: 3)
        #expect(try await test.alice.holders(of: test.volume) == [])
        try await test.carol.take(test.volume, .shared)
        try await test.alice.take(test.volume, .shared)
        let holders = try await test.bob.holders(of: test.volume)
        #expect(holders?.map(\.id) == [3, 1])
    }

    @Test func `tokens grow with every exclusive grant of a resource`() async throws {
        let test = try await TestCluster()
        var tokens: [FencingToken] = []
        for host in [test.alice, test.bob, test.alice] {
            tokens.append(try #require(try await host.take(test.volume, .exclusive).token))
            try await host.letGo(test.volume)
            await host.forget(test.volume.id)
        }
        #expect(try await test.bob.take(test.volume, .shared).token == nil)
        let up = try await test.bob.convert(test.volume.id, to: .exclusive, writing: nil)
        tokens.append(try #require(up.grant?.token))
        #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `there are no tokens where the manager counts none`() async throws {
        let test = try await TestCluster(hosts: 2, .like("dlm"))
        #expect(try await test.alice.take(test.volume, .exclusive).token == nil)
    }

    @Test func `forgotten resources leave nothing behind`() async throws {
        let test = try await TestCluster()
        for number in 0..<100 {
            let volume = test.resource(.logicalVolume("uuid-\(number)"))
            try await test.alice.take(volume, .exclusive)
            _ = try await test.bob.acquire(volume, .shared)
            try await test.alice.letGo(volume)
            await test.alice.forget(volume.id)
        }
        #expect(test.cluster.resourceCount == 0)
    }

    @Test func `a simulated holder takes the place of everybody else`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        await test.alice.simulateRemoteHolder(test.volume.id, .shared)
        #expect(test.modes(test.volume) == [0: .shared])
        #expect(try await test.alice.acquire(test.volume, .exclusive).contention != nil)
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
        await test.alice.simulateRemoteHolder(test.volume.id, .unlocked)
        #expect(try await test.alice.acquire(test.volume, .exclusive).isGranted)
    }

    @Test func `a simulated holder ends with the lockspace`() async throws {
        let test = try await TestCluster(hosts: 1)
        await test.alice.simulateRemoteHolder(test.volume.id, .exclusive)
        try await test.alice.leave(test.lockspace.id, .stopped)
        #expect(test.cluster.resourceCount == 0)
    }
}
