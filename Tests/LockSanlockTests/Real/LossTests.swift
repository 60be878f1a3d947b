#if Sanlock
import Foundation
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    @Test func `storage that fails costs the lockspace, and sanlock says so in time`()
        async throws
    {
        let leases = try LeaseFile("failing")
        let manager = SanlockLockManager(.tests())
        let membership = try await join(manager, leases)
        _ = try await manager.acquire(leases.volume(0), .exclusive, AcquireOptions()).grant
        truncate(leases.path, 0)
        let event = try await firstEvent(of: manager)
        #expect(event.lockspace == leases.lockspace().id)
        #expect(event.membership == membership.id)
        guard case .lost(let reason, let certainFor) = event.what else { return }
        #expect(reason.contains("renew"))
        // At best the last renewal is 8 io timeouts ago, and a watchdog takes 60 s more.
        #expect(certainFor > .seconds(50) && certainFor < .seconds(60))

        await expect(code: .lockLost) {
            _ = try await manager.acquire(leases.volume(1), .exclusive, AcquireOptions())
        }
        await expect(code: .lockLost) {
            _ = try await manager.convert(leases.volume(0).id, to: .shared, writing: nil)
        }
        try await manager.release(leases.volume(0).id, writing: nil)
        try await manager.leave(leases.lockspace().id, .dropped)
        await expect(code: .lockspaceNotFound) {
            _ = try await manager.acquire(leases.volume(1), .exclusive, AcquireOptions())
        }
    }

    @Test func `a lockspace without holds is missed, too, when its storage fails`()
        async throws
    {
        let leases = try LeaseFile("unheld")
        let manager = SanlockLockManager(.tests())
        try await join(manager, leases)
        truncate(leases.path, 0)
        let event = try await firstEvent(of: manager)
        #expect(event.what == .lost(reason: "sanlock removed the lockspace", certainFor: .zero))
        try await manager.leave(leases.lockspace().id, .stopped)
    }

    @Test func `a daemon that is killed costs the lockspace, and a new one serves anew`()
        async throws
    {
        let leases = try LeaseFile("daemon")
        let manager = SanlockLockManager(.tests())
        try await join(manager, leases)
        _ = try await manager.acquire(leases.volume(0), .exclusive, AcquireOptions()).grant
        #expect(await manager.isRunning())
        try await RealDaemon.shared.kill()
        let event = try await firstEvent(of: manager)
        #expect(
            event.what
                == .lost(reason: "the sanlock daemon is gone", certainFor: .seconds(58)))
        #expect(await !manager.isRunning())
        await expect(code: .managerUnavailable) {
            _ = try await manager.prepare(leases.lockspace(), JoinOptions())
        }
        try await manager.release(leases.volume(0).id, writing: nil)
        try await manager.leave(leases.lockspace().id, .dropped)

        try await RealDaemon.shared.start()
        #expect(await manager.isRunning())
        #expect(try await join(manager, leases).generation == 2)
        // What the old membership held is void with the new generation.
        _ = try await manager.acquire(leases.volume(0), .exclusive, AcquireOptions()).grant
        try await manager.leave(leases.lockspace().id, .stopped)
    }

    private func firstEvent(
        of manager: SanlockLockManager
    ) async throws -> LockManagerEvent {
        let answer = await withTaskGroup(of: LockManagerEvent?.self) { group in
            group.addTask {
                for await event in manager.events { return event }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(60))
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        return try #require(answer, "no event within a minute")
    }
}
#endif
