import LockCore
import LockInMemory
import Testing

@Suite struct ValueBlockTests {
    @Test func `a block that was never written reads as zero`() async throws {
        let test = try await TestCluster()
        #expect(try await test.alice.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `the next holder reads what an exclusive holder wrote`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .exclusive)
        try await test.alice.letGo(test.group, writing: 7)
        #expect(try await test.bob.take(test.group, .shared).value == .value(.version(7)))
    }

    @Test func `a conversion down publishes too`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .exclusive)
        _ = try await test.alice.convert(test.group.id, to: .shared, writing: .version(3))
        #expect(try await test.bob.take(test.group, .shared).value == .value(.version(3)))
    }

    @Test func `a conversion up reads`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .exclusive)
        try await test.alice.letGo(test.group, writing: 3)
        try await test.bob.take(test.group, .shared)
        let up = try await test.bob.convert(test.group.id, to: .exclusive, writing: nil)
        #expect(up.grant?.value == .value(.version(3)))
    }

    @Test func `a shared holder writes nothing`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .shared)
        try await test.alice.letGo(test.group, writing: 9)
        #expect(try await test.bob.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `a release without a block keeps the old one`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .exclusive)
        try await test.alice.letGo(test.group, writing: 7)
        try await test.alice.take(test.group, .exclusive)
        try await test.alice.letGo(test.group)
        #expect(try await test.bob.take(test.group, .shared).value == .value(.version(7)))
    }

    @Test func `on storage a block outlives everybody's interest`() async throws {
        let test = try await TestCluster()
        try await test.write(7, in: test.group)
        await test.alice.forget(test.group.id)
        #expect(test.cluster.resourceCount == 1)
        #expect(try await test.bob.take(test.group, .shared).value == .value(.version(7)))
    }

    @Test func `elsewhere a block lives until the last host forgets it`() async throws {
        let test = try await TestCluster(hosts: 2, .like("dlm"))
        try await test.bob.take(test.group, .shared)
        try await test.bob.letGo(test.group)
        try await test.write(7, in: test.group)
        await test.alice.forget(test.group.id)
        #expect(try await test.alice.take(test.group, .shared).value == .value(.version(7)))
        try await test.alice.letGo(test.group)
        await test.alice.forget(test.group.id)
        await test.bob.forget(test.group.id)
        #expect(test.cluster.resourceCount == 0)
        #expect(try await test.alice.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `a host that dies with an exclusive hold takes the block along`() async throws {
        let test = try await TestCluster(hosts: 2, .like("dlm"))
        try await test.write(7, in: test.group)
        try await test.bob.take(test.group, .exclusive)
        test.cluster.crash(2)
        test.cluster.declareDead(2)
        #expect(try await test.alice.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `on storage a block outlives its holder`() async throws {
        let test = try await TestCluster()
        try await test.write(7, in: test.group)
        try await test.bob.take(test.group, .exclusive)
        test.cluster.crash(2)
        test.cluster.declareDead(2)
        #expect(try await test.alice.take(test.group, .shared).value == .value(.version(7)))
    }

    @Test func `a lost block reads as zero`() async throws {
        let test = try await TestCluster()
        try await test.write(7, in: test.group)
        test.cluster.loseValueBlock(of: test.group.id)
        #expect(try await test.bob.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `a change stamp tells only whether others wrote since`() async throws {
        let test = try await TestCluster(hosts: 2, .like("idm"))
        #expect(try await test.alice.take(test.group, .exclusive).value == .unknown)
        try await test.alice.letGo(test.group, writing: 1)
        #expect(try await test.alice.take(test.group, .exclusive).value == .unchanged)
        try await test.alice.letGo(test.group)
        #expect(try await test.bob.take(test.group, .exclusive).value == .unknown)
        try await test.bob.letGo(test.group, writing: 2)
        #expect(try await test.alice.take(test.group, .shared).value == .changed)
        try await test.alice.letGo(test.group)
        #expect(try await test.alice.take(test.group, .shared).value == .unchanged)
    }

    @Test func `without value blocks nothing is known`() async throws {
        var configuration = InMemoryCluster.Configuration.native
        configuration.capabilities.valueBlock = .none
        let test = try await TestCluster(hosts: 2, configuration)
        try await test.alice.take(test.group, .exclusive)
        try await test.alice.letGo(test.group, writing: 1)
        #expect(try await test.bob.take(test.group, .shared).value == .unknown)
    }

    @Test func `a removed volume group leaves no blocks`() async throws {
        let test = try await TestCluster()
        try await test.write(7, in: test.group)
        try await test.alice.leave(test.lockspace.id, .stopped)
        try await test.bob.leave(test.lockspace.id, .removed)
        #expect(test.cluster.resourceCount == 0)
    }
}

extension TestCluster {
    /// Lets the first host publish a version.
    func write(_ version: UInt32, in resource: Resource) async throws {
        try await self.alice.take(resource, .exclusive)
        try await self.alice.letGo(resource, writing: version)
    }
}
