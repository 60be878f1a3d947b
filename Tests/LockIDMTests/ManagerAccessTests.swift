import Foundation
import LockCore
import LockIDM
import LockIDMEmulation
import Testing

/// A host behind an IDM lock manager, in this process.
@Suite struct ManagerAccessTests {
    private let group = "vg0"
    private var lockspace: Lockspace.ID { Lockspace.ID(kind: .idm, volumeGroup: self.group) }
    private var volume: Resource {
        Resource(.init(lockspace: self.lockspace, name: .logicalVolume("lv")))
    }

    /// What the manager grants for the volume.
    private func grant(_ mode: LockMode, by manager: IDMLockManager) async throws -> Grant {
        let outcome = try await manager.acquire(self.volume, mode, AcquireOptions())
        let grant: Grant? = if case .granted(let grant) = outcome { grant } else { nil }
        return try #require(grant, "\(outcome)")
    }

    private func member(
        _ host: Int, of bench: ManagerBench, _ change: (inout ManagerAccess) -> Void = { _ in }
    ) async throws -> IDMLockManager {
        var access = ManagerAccess(socketPath: bench.managers[host - 1].socketPath)
        access.checkInterval = .milliseconds(50)
        change(&access)
        let manager = IDMLockManager(through: access)
        let lockspace = Lockspace(
            volumeGroup: self.group, kind: .idm, uuid: GroupNames.uuid(of: self.group),
            drives: bench.paths)
        _ = try await manager.join(
            manager.prepare(lockspace, JoinOptions()), JoinOptions())
        return manager
    }

    private func error(_ call: () async throws -> AcquireOutcome) async -> LockManagerError? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error as? LockManagerError
        }
    }

    /// An emulated manager that takes as long as the real one to find out that a lock is taken.
    private static let slow: EmulatedLockManager.Behaviour = {
        var behaviour = ManagerBench.behaviour
        behaviour.acquireLimit = .seconds(5)
        return behaviour
    }()

    @Test func `another holder is contention, and known long before the manager gives up`()
        async throws
    {
        let bench = try ManagerBench(drives: 3, hosts: 2, behaviour: Self.slow)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        for (held, wanted) in [
            (LockMode.exclusive, LockMode.shared), (.exclusive, .exclusive), (.shared, .exclusive),
        ] {
            _ = try await one.acquire(self.volume, held, AcquireOptions())
            let begin = ContinuousClock.now
            let outcome = try await two.acquire(self.volume, wanted, AcquireOptions())
            #expect(outcome == .contended(Contention()))
            #expect(begin.duration(to: .now) < .seconds(4))
            try await one.release(self.volume.id, writing: nil)
        }
    }

    @Test func `drives that fail are a storage error, and no contention`() async throws {
        let bench = try ManagerBench(drives: 3, hosts: 1)
        let manager = try await self.member(1, of: bench)
        // Of drives that do not answer the lock manager says no more than of another holder.
        for result in [ILMResult.refused, .storageFailed] {
            if result == .refused {
                for drive in 0..<2 { bench.drives.setFailing(true, drive: drive) }
            } else {
                try await bench.connect().injectFailures(percent: 100)
            }
            let error = await self.error {
                try await manager.acquire(self.volume, .exclusive, AcquireOptions())
            }
            #expect(error?.code == .storageFailed && error?.layer == .storage)
            #expect(error?.status == result.rawValue)
            for drive in 0..<2 { bench.drives.setFailing(false, drive: drive) }
            try await bench.connect().injectFailures(percent: 0)
            try await manager.release(self.volume.id, writing: nil)
        }
        _ = try await self.grant(.exclusive, by: manager)
    }

    @Test func `a sharer is in no sharer's way, and failing drives beside it are a storage error`()
        async throws
    {
        let bench = try ManagerBench(drives: 3, hosts: 2)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        _ = try await one.acquire(self.volume, .shared, AcquireOptions())
        for drive in 0..<2 { bench.drives.setFailing(true, drive: drive) }
        let error = await self.error {
            try await two.acquire(self.volume, .shared, AcquireOptions())
        }
        #expect(error?.code == .storageFailed)
        // To an exclusive lock the sharer is, with or without drives.
        #expect(
            try await two.acquire(self.volume, .exclusive, AcquireOptions())
                == .contended(Contention()))
    }

    @Test func `a connection whose lockspace the manager has lost is replaced`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench)
        let lock = try GroupNames.lock(self.lockspace, .logicalVolume("lv"))
        bench.managers[0].strike(.acquire, of: lock, with: .losesLockspace)
        let error = await self.error {
            try await manager.acquire(self.volume, .exclusive, AcquireOptions())
        }
        #expect(error?.code == .deviceUnavailable && error?.hold == .unchanged)
        _ = try await self.grant(.exclusive, by: manager)
    }

    @Test func `paths that lead to no drives are an error of their own`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench)
        let resource = Resource(self.volume.id, drives: ["/dev/nowhere"])
        let error = await self.error {
            try await manager.acquire(resource, .exclusive, AcquireOptions())
        }
        #expect(error?.code == .deviceUnavailable && error?.hold == .unchanged)
    }

    @Test func `a slow answer holds up its own resource alone`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench)
        let lock = try GroupNames.lock(self.lockspace, .logicalVolume("lv"))
        bench.managers[0].strike(.acquire, of: lock, with: .delay(.seconds(10)))
        let begin = ContinuousClock.now
        let slow = Task { try await manager.acquire(self.volume, .exclusive, AcquireOptions()) }
        for number in 1...20 {
            let other = Resource(
                .init(lockspace: self.lockspace, name: .logicalVolume("lv\(number)")))
            _ = try await manager.acquire(other, .exclusive, AcquireOptions())
            try await manager.release(other.id, writing: nil)
        }
        #expect(begin.duration(to: .now) < .seconds(10))
        guard case .granted = try await slow.value else {
            Issue.record("it is granted")
            return
        }
        #expect(begin.duration(to: .now) >= .seconds(10))
    }

    @Test func `with half of two drives lost, what is held stays, and nothing new is granted`()
        async throws
    {
        let bench = try ManagerBench(drives: 2, hosts: 2)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        _ = try await one.acquire(self.volume, .exclusive, AcquireOptions())
        bench.drives.setFailing(true, drive: 0)
        // Half of the drives cannot tell before the lock is asked for, but after it was refused.
        for mode in [LockMode.exclusive, .shared] {
            #expect(
                try await two.acquire(self.volume, mode, AcquireOptions())
                    == .contended(Contention()))
        }
        let other = Resource(.init(lockspace: self.lockspace, name: .logicalVolume("lv2")))
        let error = await self.error {
            try await two.acquire(other, .exclusive, AcquireOptions())
        }
        #expect(error?.code == .storageFailed)
        bench.drives.setFailing(false, drive: 0)
        #expect(
            try await two.acquire(self.volume, .exclusive, AcquireOptions())
                == .contended(Contention()))
        try await one.release(self.volume.id, writing: nil)
    }

    @Test func `a manager that ends is a loss, told within the check's interval`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench)
        _ = try await manager.acquire(self.volume, .exclusive, AcquireOptions())
        bench.managers[0].crash()
        let event = await manager.events.first { _ in true }
        #expect(event?.lockspace == self.lockspace)
        guard case .lost(_, let certainFor) = event?.what else {
            Issue.record("the lockspace is lost")
            return
        }
        #expect(certainFor == .zero)
        let error = await self.error {
            try await manager.acquire(self.volume, .exclusive, AcquireOptions())
        }
        #expect(error?.code == .lockLost)
        try await manager.leave(self.lockspace, .dropped)
        #expect(await manager.isRunning(), "somebody listens still")
    }

    @Test func `drives that nobody can read for too long are a loss`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench) { $0.giveUp = .milliseconds(2500) }
        bench.drives.setFailing(true, drive: 0)
        let event = await manager.events.first { _ in true }
        guard case .lost(let reason, _) = event?.what else {
            Issue.record("the lockspace is lost")
            return
        }
        #expect(reason.contains("have not told"))
    }

    @Test func `a look at the drives that takes too long is a loss before it ends`() async throws {
        let bench = try ManagerBench(drives: 1)
        let members = try GroupNames.lock(self.lockspace, .volumeGroup).members
        bench.managers[0].strike(.hostCount, of: members, with: .delay(.seconds(20)))
        let begin = ContinuousClock.now
        let manager = try await self.member(1, of: bench) { $0.giveUp = .milliseconds(1500) }
        let event = await manager.events.first { _ in true }
        guard case .lost = event?.what else {
            Issue.record("the lockspace is lost")
            return
        }
        #expect(begin.duration(to: .now) < .seconds(15))
    }

    @Test func `a call that takes longer than a lock may be unseen is no loss`() async throws {
        let bench = try ManagerBench(drives: 1)
        let manager = try await self.member(1, of: bench) {
            $0.giveUp = .milliseconds(2500)
            $0.connectionsPerLockspace = 1
        }
        _ = try await manager.acquire(self.volume, .exclusive, AcquireOptions())
        for (number, delay) in [(1, Duration.milliseconds(4000)), (2, .milliseconds(500))] {
            let name = Resource.Name.logicalVolume("lv\(number)")
            let lock = try GroupNames.lock(self.lockspace, name)
            bench.managers[0].strike(.acquire, of: lock, with: .delay(delay))
            let other = Resource(.init(lockspace: self.lockspace, name: name))
            guard case .granted = try await manager.acquire(other, .exclusive, AcquireOptions())
            else {
                Issue.record("it is granted")
                return
            }
        }
    }

    @Test func `a manager that destroys mutexes leaves nothing that could be called unchanged`()
        async throws
    {
        var behaviour = ManagerBench.behaviour
        behaviour.destroysAfterUnlock = true
        let bench = try ManagerBench(drives: 3, hosts: 2, behaviour: behaviour)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        for manager in [one, two, one, one, two] {
            let outcome = try await manager.acquire(self.volume, .exclusive, AcquireOptions())
            guard case .granted(let grant) = outcome else {
                Issue.record("it is granted")
                return
            }
            #expect(grant.value == .unknown)
            try await manager.release(self.volume.id, writing: block)
        }
    }

    @Test(arguments: [LockMode.exclusive, .shared])
    func `a stamp that did not reach the drives leaves nothing that could be called unchanged`(
        _ next: LockMode
    ) async throws {
        let bench = try ManagerBench(drives: 3, hosts: 2)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        _ = try await two.acquire(self.volume, .exclusive, AcquireOptions())
        try await two.release(self.volume.id, writing: block)
        _ = try await one.acquire(self.volume, .exclusive, AcquireOptions())
        // The lock manager takes the release for done.
        for drive in 0..<2 { bench.drives.setFailing(true, drive: drive) }
        await #expect {
            try await one.release(self.volume.id, writing: block)
        } throws: {
            ($0 as? LockManagerError)?.code == .storageFailed
        }
        for drive in 0..<2 { bench.drives.setFailing(false, drive: drive) }
        _ = try await one.acquire(self.volume, next, AcquireOptions())
        try await one.release(self.volume.id, writing: nil)
        let grant = try await self.grant(.exclusive, by: two)
        #expect(grant.value == .changed)
    }

    @Test func `a sharer that others leave while it lets go keeps the stamp`() async throws {
        let bench = try ManagerBench(drives: 3, hosts: 2)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        _ = try await two.acquire(self.volume, .exclusive, AcquireOptions())
        try await two.release(self.volume.id, writing: block)
        for manager in [two, one] {
            _ = try await manager.acquire(self.volume, .shared, AcquireOptions())
        }
        let lock = try GroupNames.lock(self.lockspace, .logicalVolume("lv"))
        bench.managers[0].strike(.convert, of: lock, with: .delay(.seconds(5)))
        bench.managers[1].strike(.release, of: lock, with: .delay(.seconds(1)))
        try await withThrowingTaskGroup { group in
            for manager in [one, two] {
                group.addTask { try await manager.release(self.volume.id, writing: nil) }
            }
            try await group.waitForAll()
        }
        #expect(bench.drives.records(of: 0).contains { $0.lock == lock && $0.isStamped })
    }

    @Test func `what a conversion publishes is there for a host that joins, and after a death`()
        async throws
    {
        let bench = try ManagerBench(drives: 3, hosts: 2)
        let (one, two) = (try await self.member(1, of: bench), try await self.member(2, of: bench))
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        _ = try await two.acquire(self.volume, .exclusive, AcquireOptions())
        try await two.release(self.volume.id, writing: block)
        _ = try await one.acquire(self.volume, .exclusive, AcquireOptions())
        _ = try await one.convert(self.volume.id, to: .shared, writing: block)
        // The stamp is on the drives, although the lock is still held.
        let stamps = Set(bench.drives.records(of: 0).filter(\.isStamped).map(\.value))
        #expect(stamps.count == 1)
        let grant = try await self.grant(.shared, by: two)
        #expect(grant.value == .unknown)
    }

    @Test func `the kill path is set for the volume group, and a later process is told of it`()
        async throws
    {
        let bench = try ManagerBench(drives: 1, behaviour: ManagerBench.impatient)
        let notes = bench.folder.appending(path: "notes").path
        let killed = bench.folder.appending(path: "killed").path
        var access = ManagerAccess(socketPath: bench.managers[0].socketPath)
        access.notesFolder = notes
        #expect(access.takeAbandoned().isEmpty)
        do {
            let manager = try await self.member(1, of: bench) {
                $0.notesFolder = notes
                $0.killPath = .init(path: "/usr/bin/printf", arguments: "%s >\(killed)")
            }
            _ = try await manager.acquire(self.volume, .exclusive, AcquireOptions())
            bench.drives.setFailing(true, drive: 0)
            // The volume group's name is the last argument.
            let isKilled = await eventually {
                (try? String(contentsOfFile: killed, encoding: .utf8)) == self.group
            }
            #expect(isKilled)
        }
        #expect(access.takeAbandoned() == [self.lockspace])
        #expect(access.takeAbandoned().isEmpty)
    }

    @Test func `a name that a shell would take for more is not handed to one`() async throws {
        let bench = try ManagerBench(drives: 1)
        var access = ManagerAccess(socketPath: bench.managers[0].socketPath)
        access.killPath = .init(path: "/usr/bin/true", arguments: "")
        let manager = IDMLockManager(through: access)
        for name in ["vg0;reboot", "vg 0", "vg$0", "v\u{e9}"] {
            let lockspace = Lockspace(
                volumeGroup: name, kind: .idm, uuid: "u", drives: bench.paths)
            await #expect {
                _ = try await manager.join(
                    manager.prepare(lockspace, JoinOptions()), JoinOptions())
            } throws: {
                ($0 as? LockManagerError)?.code == .badArguments
            }
        }
    }
}

extension MutexRecord {
    fileprivate var isStamped: Bool { !self.value.isUnknown }
}
