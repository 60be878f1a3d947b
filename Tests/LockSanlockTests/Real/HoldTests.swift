#if Sanlock
import Glibc
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    @Test func `a host joins, holds, converts, releases and leaves`() async throws {
        let leases = try LeaseFile("cycle")
        let manager = SanlockLockManager(
            .tests {
                $0.valueBlocks = true
                $0.fencingTokens = true
            })
        let prepared = try await manager.prepare(leases.lockspace(), JoinOptions())
        #expect(prepared.carriesGlobalLock)
        #expect(prepared.previousGeneration == 0)
        // Nobody ever had the number: two io timeouts of 1 s, and a little.
        #expect(prepared.joinTakesUpTo == .seconds(5))
        let membership = try await manager.join(prepared, JoinOptions())
        #expect(membership.hostID == 1)
        #expect(membership.generation == 1)

        let first = try await manager.acquire(leases.group, .exclusive, AcquireOptions())
            .grant
        #expect(first.value == .value(ValueBlock()))
        let written = ValueBlock(
            format: ValueBlock.currentFormat, flags: .removed, resourceVersion: 0x0102_0304)
        let shared = try await manager.convert(
            leases.group.id, to: .shared, writing: written
        ).grant
        #expect(shared.id != first.id)
        #expect(shared.token == nil)
        let again = try await manager.convert(leases.group.id, to: .exclusive, writing: nil)
            .grant
        #expect(try #require(again.token) > #require(first.token))
        try await manager.release(leases.group.id, writing: nil)
        try await manager.release(leases.group.id, writing: nil)

        let third = try await manager.acquire(leases.group, .shared, AcquireOptions()).grant
        #expect(third.value == .value(written))
        #expect(try await manager.holders(of: leases.group)?.map(\.id) == [1])
        #expect(try await manager.holders(of: leases.group)?.map(\.name) == ["tests"])
        try await manager.release(leases.group.id, writing: nil)
        #expect(try await manager.holders(of: leases.group) == [])
        try await manager.leave(leases.lockspace().id, .stopped)

        let second = try await manager.prepare(leases.lockspace(), JoinOptions())
        #expect(second.previousGeneration == 1)
        #expect(try await manager.join(second, JoinOptions()).generation == 2)
        let hosts = try await settled {
            try await manager.otherHosts(in: leases.lockspace().id)
        }
        #expect(hosts == .none)
        let local = try await manager.localHost(in: leases.lockspace().id)
        #expect(local?.name == "tests")
        #expect(local?.generation == 2)
        try await manager.leave(leases.lockspace().id, .removed)
        await #expect(throws: LockManagerError.self) {
            try await manager.prepare(leases.lockspace(), JoinOptions())
        }
    }

    @Test func `no program that this one starts inherits a registered socket`() throws {
        let socket = try SanlockCalls.live.register()
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        SanlockCalls.live.close(socket)
    }

    @Test func `only an orphan is acquired where an orphan is required`() async throws {
        let leases = try LeaseFile("orphans")
        let manager = SanlockLockManager(.tests())
        try await join(manager, leases)
        let required = AcquireOptions(adopting: .required)
        #expect(
            try await manager.acquire(leases.volume(0), .exclusive, required) == .noOrphan)
        #expect(try await manager.holders(of: leases.volume(0)) == [])
        try await manager.leave(leases.lockspace().id, .stopped)
    }

    @Test func `locks and the lockspace of an ended process are taken over`() async throws {
        let leases = try LeaseFile("adoption")
        // Its connections close with it, as a process's do.
        var manager: SanlockLockManager? = SanlockLockManager(.tests())
        try await join(#require(manager), leases)
        _ = try await manager?.acquire(leases.volume(0), .exclusive, AcquireOptions()).grant
        _ = try await manager?.acquire(leases.volume(1), .shared, AcquireOptions()).grant
        manager = nil

        let heir = SanlockLockManager(.tests())
        #expect(try await heir.leftBehind() == [leases.lockspace().id])
        let prepared = try await heir.prepare(leases.lockspace(), JoinOptions())
        await expect(code: .lockspaceExists) {
            _ = try await heir.join(prepared, JoinOptions())
        }
        _ = try await heir.join(prepared, JoinOptions(adopting: .required))
        #expect(try await heir.leftBehind() == [])
        await expect(code: .orphanInTheWay) {
            _ = try await heir.acquire(leases.volume(0), .exclusive, AcquireOptions())
        }
        let adopting = AcquireOptions(adopting: .required)
        #expect(
            try await heir.acquire(leases.volume(0), .shared, adopting) == .orphanInOtherMode)
        _ = try await heir.acquire(leases.volume(0), .exclusive, adopting).grant
        await expect(code: .lockspaceBusy) {
            try await heir.leave(leases.lockspace().id, .stopped)
        }
        try await heir.purgeOrphans(in: leases.lockspace().id)
        _ = try await settled {
            try await heir.acquire(leases.volume(1), .exclusive, AcquireOptions())
        }
        try await heir.leave(leases.lockspace().id, .stopped)
    }

    @Test func `two volumes are taken and released side by side`() async throws {
        let leases = try LeaseFile("parallel")
        let manager = SanlockLockManager(.tests())
        try await join(manager, leases)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    for _ in 0..<10 {
                        _ = try await manager.acquire(
                            leases.volume(number), .exclusive, AcquireOptions()
                        ).grant
                        try await manager.release(leases.volume(number).id, writing: nil)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await manager.leave(leases.lockspace().id, .stopped)
    }
}
#endif
