import LockCore
import LockInMemory
import Testing

@Suite(.timeLimit(.minutes(1))) struct RestartTests {
    @Test func `a new process adopts the lockspace and its locks`() async throws {
        let test = try await TestCluster()
        let before = try await test.alice.take(test.volume, .exclusive)
        let alice = test.cluster.restart(1)
        #expect(try await alice.leftBehind() == [test.lockspace.id])
        #expect(test.modes(test.volume) == [1: .exclusive])

        let membership = try await alice.join(test.lockspace, adopting: .required)
        #expect(membership.generation == 1)
        let adopted = try await alice.acquire(test.volume, .exclusive, adopting: .required)
        let grant = try #require(adopted.grant)
        #expect(grant.id != before.id)
        #expect(grant.token == before.token)
        #expect(try await alice.leftBehind() == [])
        try await alice.letGo(test.volume)
        #expect(try await test.bob.acquire(test.volume, .exclusive).isGranted)
    }

    @Test func `an earlier process gets no answers any more`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.restart(1)
        let error = try await failure { try await test.alice.letGo(test.volume) }
        #expect(error.code == .managerUnavailable)
        await test.alice.simulateRemoteHolder(test.volume.id, .unlocked)
        #expect(test.modes(test.volume) == [1: .exclusive])
        #expect(await !test.alice.isRunning())
    }

    @Test func `a host has one running process`() async throws {
        let test = try await TestCluster(hosts: 1)
        let again = test.cluster.host(1)
        try await again.take(test.volume, .shared)
        #expect(test.modes(test.volume) == [1: .shared])
    }

    @Test func `a membership left behind is in the way unless it is adopted`() async throws {
        let test = try await TestCluster()
        let alice = test.cluster.restart(1)
        let error = try await failure { try await alice.join(test.lockspace) }
        #expect(error.code == .lockspaceExists)
        let unjoined = try await failure { try await alice.take(test.volume, .shared) }
        #expect(unjoined.code == .lockspaceNotFound)
        try await alice.join(test.lockspace, adopting: .allowed)
    }

    @Test func `a membership left behind can be ended`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let alice = test.cluster.restart(1)
        try await alice.leave(test.lockspace.id, .stopped)
        #expect(test.modes(test.volume) == [:])
        #expect(try await alice.join(test.lockspace).generation == 2)
    }

    @Test func `adoption that must succeed fails where nothing was left`() async throws {
        let test = try await TestCluster(hosts: 1)
        let bob = test.cluster.host(2)
        let error = try await failure { try await bob.join(test.lockspace, adopting: .required) }
        #expect(error.code == .noOrphan)
        try await bob.join(test.lockspace, adopting: .allowed)
        #expect(try await bob.acquire(test.volume, .shared, adopting: .required) == .noOrphan)
        #expect(try await bob.acquire(test.volume, .shared, adopting: .allowed).isGranted)
    }

    @Test func `an orphan is adopted only in its own mode`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .shared)
        let alice = test.cluster.restart(1)
        try await alice.join(test.lockspace, adopting: .required)
        for adopting in [Adoption.allowed, .required] {
            let outcome = try await alice.acquire(test.volume, .exclusive, adopting: adopting)
            #expect(outcome == .orphanInOtherMode)
        }
        #expect(test.modes(test.volume) == [1: .shared])
    }

    @Test func `an orphan is in the way of a request that does not adopt`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .shared)
        let alice = test.cluster.restart(1)
        try await alice.join(test.lockspace, adopting: .required)
        let error = try await failure { _ = try await alice.acquire(test.volume, .shared) }
        #expect(error.code == .orphanInTheWay)
        let owner = try await test.bob.acquire(test.volume, .exclusive).contention?.owner
        #expect(owner?.id == 1)
    }

    @Test func `purging drops what nobody adopted and nothing else`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.group, .shared)
        try await test.alice.take(test.volume, .exclusive)
        let alice = test.cluster.restart(1)
        try await alice.join(test.lockspace, adopting: .required)
        _ = try await alice.acquire(test.group, .shared, adopting: .required)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        try await alice.purgeOrphans(in: test.lockspace.id)
        #expect(try await bob.value.isGranted)
        #expect(test.modes(test.group) == [1: .shared])
    }

    @Test func `a release does not touch an orphan`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .shared)
        let alice = test.cluster.restart(1)
        try await alice.join(test.lockspace, adopting: .required)
        try await alice.letGo(test.volume)
        #expect(test.modes(test.volume) == [1: .shared])
    }

    @Test func `without adoption a process takes its locks along`() async throws {
        let test = try await TestCluster(hosts: 2, .like("idm"))
        try await test.alice.take(test.volume, .exclusive)
        let alice = test.cluster.restart(1)
        #expect(try await alice.leftBehind() == [])
        #expect(try await test.bob.acquire(test.volume, .exclusive).isGranted)
        try await alice.join(test.lockspace)
    }

    @Test func `a request that waits fails when its process ends`() async throws {
        let test = try await TestCluster()
        try await test.alice.take(test.volume, .exclusive)
        let bob = started { try await test.bob.acquire(test.volume, .shared, waiting: true) }
        test.cluster.restart(2)
        let error = try await failure { _ = try await bob.value }
        #expect(error.code == .managerUnavailable)
        try await test.alice.letGo(test.volume)
        #expect(test.modes(test.volume) == [:])
    }
}
