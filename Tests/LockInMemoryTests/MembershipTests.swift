import LockCore
import LockInMemory
import Testing

@Suite(.timeLimit(.minutes(1))) struct MembershipTests {
    @Test func `a host joins a lockspace once`() async throws {
        let test = try await TestCluster(hosts: 1)
        let error = try await failure { try await test.alice.join(test.lockspace) }
        #expect(error.code == .lockspaceExists)
        let adopting = try await failure {
            try await test.alice.join(test.lockspace, adopting: .required)
        }
        #expect(adopting.code == .lockspaceExists)
    }

    @Test func `every join is a generation of its own`() async throws {
        let test = try await TestCluster(hosts: 1)
        try await test.alice.leave(test.lockspace.id, .stopped)
        let prepared = try await test.alice.prepare(test.lockspace, JoinOptions())
        #expect(prepared.previousGeneration == 1)
        let second = try await test.alice.join(prepared, JoinOptions())
        #expect(second.generation == 2)
        #expect(second.hostID == 1)
    }

    @Test func `memberships are told apart also without generations`() async throws {
        let test = try await TestCluster(hosts: 0, .like("dlm"))
        let host = test.cluster.host(1)
        let first = try await host.join(test.lockspace)
        try await host.leave(test.lockspace.id, .stopped)
        let second = try await host.join(test.lockspace)
        #expect(first.generation == 0 && second.generation == 0)
        #expect(first.id != second.id)
    }

    @Test func `nothing can be done in a lockspace that was not joined`() async throws {
        let test = try await TestCluster(hosts: 1)
        let stranger = test.cluster.host(2)
        let calls: [() async throws -> Void] = [
            { _ = try await stranger.acquire(test.volume, .shared) },
            { _ = try await stranger.convert(test.volume.id, to: .shared, writing: nil) },
            { try await stranger.letGo(test.volume) },
            { try await stranger.leave(test.lockspace.id, .stopped) },
            { _ = try await stranger.otherHosts(in: test.lockspace.id) },
            { _ = try await stranger.localHost(in: test.lockspace.id) },
            { _ = try await stranger.holders(of: test.volume) },
            { try await stranger.purgeOrphans(in: test.lockspace.id) },
        ]
        for call in calls {
            #expect(try await failure(call).code == .lockspaceNotFound)
        }
    }

    @Test func `leaving lets go of everything`() async throws {
        let test = try await TestCluster(hosts: 3)
        try await test.alice.take(test.volume, .exclusive)
        try await test.alice.take(test.group, .shared)
        let bob = started { try await test.bob.acquire(test.volume, .exclusive, waiting: true) }
        try await test.alice.leave(test.lockspace.id, .stopped)
        #expect(try await bob.value.isGranted)
        #expect(try await test.carol.acquire(test.group, .exclusive).isGranted)
    }

    @Test func `a request that waits fails when its host leaves`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        try await test.bob.leave(test.lockspace.id, .stopped)
        let error = try await failure { _ = try await bob.value }
        #expect(error.code == .lockLost)
    }

    @Test func `other hosts are counted`() async throws {
        let test = try await TestCluster(hosts: 3)
        #expect(try await test.alice.otherHosts(in: test.lockspace.id) == .count(2))
        try await test.bob.leave(test.lockspace.id, .stopped)
        try await test.carol.leave(test.lockspace.id, .stopped)
        #expect(try await test.alice.otherHosts(in: test.lockspace.id) == .none)
    }

    @Test func `a host sees itself as others do`() async throws {
        let test = try await TestCluster()
        let host = try await test.bob.localHost(in: test.lockspace.id)
        #expect(host == Host(id: 2, generation: 1, state: .live, name: "host2"))
    }

    @Test func `two hosts cannot join with one number`() async throws {
        let test = try await TestCluster(hosts: 1)
        let bob = test.cluster.host(2)
        var lockspace = test.lockspace
        lockspace.hostID = 1
        #expect(try await failure { try await bob.join(lockspace) }.code == .badHostID)
        lockspace.hostID = 17
        #expect(try await bob.join(lockspace).hostID == 17)
    }

    @Test func `no more hosts join than the manager has room for`() async throws {
        var configuration = InMemoryCluster.Configuration.native
        configuration.capabilities.mostHosts = 2
        let test = try await TestCluster(hosts: 2, configuration)
        var lockspace = test.lockspace
        lockspace.hostID = 3
        let outside = try await failure {
            try await test.cluster.host(3).join(lockspace)
        }
        #expect(outside.code == .badHostID)
        let error = try await failure { try await test.cluster.host(3).join(test.lockspace) }
        #expect(error.code == .limitReached)
    }

    @Test func `names longer than the manager's are refused, with the limit`() async throws {
        let test = try await TestCluster(hosts: 1, .like("sanlock"))
        let fits = Lockspace(
            volumeGroup: String(repeating: "v", count: 44), kind: test.lockspace.id.kind,
            arguments: "1.0.0:lvmlock")
        try await test.alice.join(fits)
        let tooLong = Lockspace(
            volumeGroup: String(repeating: "v", count: 45), kind: test.lockspace.id.kind,
            arguments: "1.0.0:lvmlock")
        let lockspaceError = try await failure { try await test.alice.join(tooLong) }
        #expect(lockspaceError.code == .nameTooLong)
        #expect(lockspaceError.description.contains("48 bytes"))

        let volume = test.resource(.logicalVolume(String(repeating: "u", count: 49)))
        let resourceError = try await failure { try await test.alice.take(volume, .shared) }
        #expect(resourceError.code == .nameTooLong)
        #expect(resourceError.description.contains("48 bytes"))
    }

    @Test func `a stopped lockspace that is removed leaves nothing behind`() async throws {
        let test = try await TestCluster(hosts: 1)
        try await test.alice.leave(test.lockspace.id, .removed)
        let prepared = try await test.alice.prepare(test.lockspace, JoinOptions())
        #expect(prepared.previousGeneration == 0)
    }

    @Test func `whether the manager runs is a matter of the host`() async throws {
        let test = try await TestCluster()
        test.cluster.setRunning(false, on: 1)
        #expect(await !test.alice.isRunning())
        #expect(await test.bob.isRunning())
        test.cluster.crash(2)
        #expect(await !test.bob.isRunning())
    }
}
