#if Sanlock
import Glibc
import LockCore
import Testing

@testable import LockSanlock

@Suite(.timeLimit(.minutes(1))) struct CleaningTests {
    @Test func `after an acquire without an outcome the lease is taken and freed again`()
        async throws
    {
        // The request, then two attempts to clean up.
        let acquire = Script(-202, -EIO, 0)
        // The engine's release finds nothing.
        let release = Script(-1, 0)
        let space = ScriptedLockspace(.scripted(acquire: acquire, release: release))
        do {
            _ = try await space.acquire()
            Issue.record("acquired")
        } catch let error as LockManagerError {
            #expect(error.code == .ioTimedOut)
            #expect(error.hold == .unknown)
        }
        try await space.release()
        await cleaned(space)
        #expect(acquire.count == 3)
        #expect(release.count == 2)
        #expect(space.lockspace.holds.isEmpty)
    }

    @Test func `a release that fails is finished in the background`() async throws {
        let acquire = Script(0)
        let release = Script(-EIO, -221, 0)
        let space = ScriptedLockspace(.scripted(acquire: acquire, release: release))
        _ = try await space.acquire().grant
        await expect(code: .storageFailed) { try await space.release() }
        await cleaned(space)
        #expect(release.count == 3)
        #expect(acquire.count == 3)
    }

    @Test func `a lease that another host has by now needs no cleaning`() async throws {
        let acquire = Script(0, -243)
        let release = Script(-EIO)
        let space = ScriptedLockspace(
            .scripted(acquire: acquire, release: release, owners: [.host(2)]))
        _ = try await space.acquire().grant
        await expect(code: .storageFailed) { try await space.release() }
        await cleaned(space)
        #expect(release.count == 1)
    }

    @Test func `a new hold ends the cleaning of the old one`() async throws {
        let acquire = Script(0, -EIO, -EIO, 0)
        let release = Script(-EIO, 0)
        let space = ScriptedLockspace(.scripted(acquire: acquire, release: release))
        _ = try await space.acquire().grant
        await expect(code: .storageFailed) { try await space.release() }
        while acquire.count < 3 { await Task.yield() }
        _ = try await space.acquire().grant
        #expect(space.lockspace.state.with(\.unfinished).isEmpty)
        #expect(space.lockspace.holds.count == 1)
        #expect(release.count == 1)
    }

    @Test func `a loss is reported once, and lets holds go without the daemon`() async throws {
        let space = ScriptedLockspace(
            .scripted(release: Script(-32), hosts: [.host(1, timestamp: 0)]))
        _ = try await space.acquire().grant
        for _ in 0..<3 { await space.lockspace.killed() }
        await space.lockspace.watchEnded()
        await expect(code: .lockLost) { _ = try await space.acquire() }
        try await space.release()
        space.lockspace.end()
        space.finishEvents()
        var events: [LockManagerEvent] = []
        for await event in space.events { events.append(event) }
        #expect(events.map(\.membership) == [Membership.ID(1)])
        await expect(code: .lockspaceNotFound) { _ = try await space.acquire() }
    }

    @Test func `a daemon that does not answer costs the lockspace`() async throws {
        let space = ScriptedLockspace(.scripted(acquire: Script(-ECONNREFUSED)))
        do {
            _ = try await space.acquire()
            Issue.record("acquired")
        } catch let error as LockManagerError {
            #expect(error.code == .managerUnavailable)
            #expect(error.hold == .unknown)
        }
        var events = space.events.makeAsyncIterator()
        let event = await events.next()
        #expect(
            event?.what
                == .lost(reason: "the sanlock daemon is gone", certainFor: .seconds(58)))
    }

    /// Waits until nothing is being cleaned up any more.
    private func cleaned(_ space: ScriptedLockspace) async {
        while !space.lockspace.state.with(\.unfinished).isEmpty { await Task.yield() }
    }
}
#endif
