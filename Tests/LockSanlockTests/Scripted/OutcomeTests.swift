#if Sanlock
import Glibc
import LockCore
import Testing

@testable import LockSanlock

@Suite struct OutcomeTests {
    @Test func `a contended acquire names the owner`() async throws {
        let space = ScriptedLockspace(
            .scripted(
                acquire: Script(-243), owners: [.host(2, generation: 3)],
                hosts: [.host(1), .host(2, generation: 3, timestamp: 200, state: 4)]))
        let owner = Host(id: 2, generation: 3, timestamp: 200, state: .failing)
        #expect(try await space.acquire() == .contended(Contention(owner: owner)))
    }

    @Test(arguments: [
        [], [HostRecord.host(2, generation: 2)], [.host(3)], [.host(1)],
    ])
    func `a conflict with nobody in the way passes`(_ owners: [HostRecord]) async throws {
        // Host 2 joined again since, and host 3 is dead.
        let space = ScriptedLockspace(
            .scripted(
                acquire: Script(-244), owners: owners,
                hosts: [.host(1), .host(2, generation: 3), .host(3, state: 5)]))
        #expect(try await space.acquire() == .contended(Contention(isPassing: true)))
    }

    @Test func `who shares is in the way of nobody who shares`() async throws {
        let calls = SanlockCalls.scripted(
            acquire: Script(-EAGAIN), owners: [.host(2, timestamp: 0)], ownersShare: true,
            hosts: [.host(1), .host(2)])
        let space = ScriptedLockspace(calls)
        #expect(try await space.acquire(.shared) == .contended(Contention(isPassing: true)))
        let owner = Host(id: 2, generation: 1, timestamp: 100, state: .live)
        #expect(try await space.acquire(.exclusive) == .contended(Contention(owner: owner)))
    }

    @Test func `orphans are told from locks`() async throws {
        let space = ScriptedLockspace(.scripted(acquire: Script(-EUCLEAN)))
        await expect(code: .orphanInTheWay) { _ = try await space.acquire() }
        let allowed = AcquireOptions(adopting: .allowed)
        #expect(try await space.acquire(.shared, allowed) == .orphanInOtherMode)
        let without = ScriptedLockspace(.scripted(acquire: Script(-ENOENT)))
        let required = AcquireOptions(adopting: .required)
        #expect(try await without.acquire(.shared, required) == .noOrphan)
    }

    @Test func `a damaged lease is written anew only if that is asked for`() async throws {
        let acquire = Script(-223, -223, 0)
        let space = ScriptedLockspace(.scripted(acquire: acquire))
        await expect(code: .leaseCorrupt) { _ = try await space.acquire() }
        _ = try await space.acquire(.exclusive, AcquireOptions(repairing: true)).grant
        #expect(acquire.count == 3)
    }

    @Test func `a global lock with another name on its lease is disabled`() async throws {
        var calls = SanlockCalls.scripted(acquire: Script(-227))
        calls.readResource = { record in
            var record = record
            record.name = "_GLLK_disabled"
            return record
        }
        let space = ScriptedLockspace(calls)
        await expect(code: .globalLockDisabled) {
            _ = try await space.lockspace.acquire(
                Resource(Resource.ID(lockspace: space.lockspace.id, name: .global)),
                .shared, AcquireOptions())
        }
    }

    @Test func `a conversion that fails keeps the shared hold`() async throws {
        let convert = Script(-EAGAIN, -202, -ENOENT, 0)
        let space = ScriptedLockspace(.scripted(convert: convert))
        _ = try await space.acquire(.shared).grant
        let name = space.volume.id.name
        let contended = try await space.lockspace.convert(name, to: .exclusive, writing: nil)
        #expect(contended == .contended(Contention(isPassing: true)))
        for code in [LockErrorCode.ioTimedOut, .lockspaceNotFound] {
            do throws(LockManagerError) {
                _ = try await space.lockspace.convert(name, to: .exclusive, writing: nil)
                Issue.record("converted")
            } catch {
                #expect(error.code == code)
                #expect(error.hold == .unchanged)
            }
        }
        _ = try await space.lockspace.convert(name, to: .exclusive, writing: nil).grant
        #expect(space.lockspace.holds[name]?.mode == .exclusive)
    }

    @Test func `a value block that cannot be read is unknown`() async throws {
        var calls = SanlockCalls.scripted()
        calls.valueBlock = { _, _ throws(SanlockStatus) in throw .errno(EINVAL) }
        let space = ScriptedLockspace(calls) { $0.valueBlocks = true }
        #expect(try await space.acquire().grant.value == .unknown)
    }
}
#endif
