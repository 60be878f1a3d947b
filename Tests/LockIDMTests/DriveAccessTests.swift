import Foundation
import LockCore
import LockIDM
import LockIDMEmulation
import Testing

/// A host that talks to its drives, in this process.
@Suite struct DriveAccessTests {
    /// Drives, and what it takes to make managers on them.
    private final class Bench: Sendable {
        let drives: EmulatedDriveBank
        let folder: URL
        let paths: [String]

        /// Long against what a busy machine keeps a task waiting.
        let countdown: Duration

        init(
            drives count: Int, limits: EmulatedDrive.Limits = EmulatedDrive.Limits(),
            countdown: Duration = .milliseconds(3500)
        ) {
            self.countdown = countdown
            self.drives = EmulatedDriveBank(drives: count, limits: limits)
            self.folder = FileManager.default.temporaryDirectory.appending(path: "hfa\(UUID())")
            self.paths = (0..<count).map { "/dev/emulated\($0)" }
        }

        deinit { try? FileManager.default.removeItem(at: self.folder) }

        func access(_ host: Int, renewalInterval: Duration = .milliseconds(50)) -> DriveAccess {
            var access = DriveAccess(hostID: UInt64(host))
            access.bootID = [1]
            access.stateFolder = self.folder.appending(path: "\(host)").path
            access.countdown = self.countdown
            access.giveUp = .milliseconds(2500)
            access.renewalInterval = renewalInterval
            access.openDrive = { [drives, paths] path throws(DriveError) in
                guard let index = paths.firstIndex(of: path) else {
                    throw DriveError(drive: path, reason: "there is none")
                }
                return BankDrive(drives: drives, index: index, host: host)
            }
            return access
        }

        func manager(_ host: Int, renewalInterval: Duration = .milliseconds(50)) -> IDMLockManager {
            IDMLockManager(driving: self.access(host, renewalInterval: renewalInterval))
        }

        var lockspace: Lockspace {
            Lockspace(
                volumeGroup: "vg0", kind: .idm, uuid: GroupNames.uuid(of: "vg0"),
                drives: self.paths)
        }

        var volume: Resource {
            Resource(.init(lockspace: self.lockspace.id, name: .logicalVolume("lv")))
        }
    }

    private struct BankDrive: Drive {
        let drives: EmulatedDriveBank
        let index: Int
        let host: Int
        var identity: String { "\(self.index)" }

        func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer {
            try self.drives.perform(command, on: self.index, from: self.host)
        }
    }

    private func join(
        _ manager: IDMLockManager, _ bench: Bench, adopting: Adoption = .none
    ) async throws {
        let options = JoinOptions(adopting: adopting)
        _ = try await manager.join(manager.prepare(bench.lockspace, options), options)
    }

    private func isGranted(_ outcome: AcquireOutcome) -> Bool {
        if case .granted = outcome { true } else { false }
    }

    @Test func `a lock is kept with half of its two drives lost, and taken by nobody else`()
        async throws
    {
        let bench = Bench(drives: 2)
        let (one, two) = (bench.manager(1), bench.manager(2))
        for manager in [one, two] { try await self.join(manager, bench) }
        #expect(self.isGranted(try await one.acquire(bench.volume, .exclusive, AcquireOptions())))
        bench.drives.setFailing(true, drive: 0)
        // Long enough that what is not renewed is over on the drives.
        try await Task.sleep(for: .milliseconds(4000))
        await #expect {
            _ = try await two.acquire(bench.volume, .exclusive, AcquireOptions())
        } throws: {
            ($0 as? LockManagerError)?.code == .storageFailed
        }
        #expect(
            bench.drives.records(of: 1).contains {
                $0.host.number == 1 && $0.state == .locked && $0.mutexClass == .exclusive
            })
        bench.drives.setFailing(false, drive: 0)
        try await one.release(bench.volume.id, writing: nil)
        #expect(self.isGranted(try await two.acquire(bench.volume, .exclusive, AcquireOptions())))
        for manager in [one, two] { try await manager.leave(bench.lockspace.id, .stopped) }
        #expect(bench.drives.records(of: 1).allSatisfy { $0.state == .unlocked })
    }

    @Test func `a host whose renewal stops tells in time, and another takes over`() async throws {
        let bench = Bench(drives: 3)
        let (one, two) = (bench.manager(1), bench.manager(2))
        for manager in [one, two] { try await self.join(manager, bench) }
        #expect(self.isGranted(try await one.acquire(bench.volume, .exclusive, AcquireOptions())))
        bench.drives.setCutOff(true, host: 1)
        let event = await one.events.first { _ in true }
        guard case .lost(let reason, let certainFor) = event?.what else {
            Issue.record("the lockspace is lost")
            return
        }
        #expect(reason.contains("could not be renewed"))
        #expect(certainFor >= .zero && certainFor <= .milliseconds(1000))
        await #expect {
            _ = try await one.acquire(bench.volume, .shared, AcquireOptions())
        } throws: {
            ($0 as? LockManagerError)?.code == .lockLost
        }
        let isTakenOver = try await eventually {
            self.isGranted(try await two.acquire(bench.volume, .exclusive, AcquireOptions()))
        }
        #expect(isTakenOver)
    }

    @Test func `an expired lock whose data nobody can vouch for is not called unchanged`()
        async throws
    {
        let bench = Bench(drives: 3)
        let (one, two) = (bench.manager(1), bench.manager(2))
        for manager in [one, two] { try await self.join(manager, bench) }
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        _ = try await two.acquire(bench.volume, .exclusive, AcquireOptions())
        try await two.release(bench.volume.id, writing: block)
        _ = try await one.acquire(bench.volume, .exclusive, AcquireOptions())
        bench.drives.setCutOff(true, host: 1)
        var taken: AcquireOutcome?
        _ = try await eventually {
            let outcome = try await two.acquire(bench.volume, .exclusive, AcquireOptions())
            if self.isGranted(outcome) { taken = outcome }
            return taken != nil
        }
        guard case .granted(let grant) = taken else {
            Issue.record("it is granted")
            return
        }
        #expect(grant.value == .unknown)
    }

    @Test func `a later process goes on with what an earlier one held`() async throws {
        let bench = Bench(drives: 3, countdown: .seconds(60))
        let two = bench.manager(2)
        try await self.join(two, bench)
        do {
            // Goes without a word, and without renewing.
            let one = bench.manager(1, renewalInterval: .seconds(3600))
            try await self.join(one, bench)
            _ = try await one.acquire(bench.volume, .exclusive, AcquireOptions())
        }
        let next = bench.manager(1)
        #expect(try await next.leftBehind() == [bench.lockspace.id])
        try await self.join(next, bench, adopting: .required)
        #expect(try await next.leftBehind().isEmpty)
        let options = AcquireOptions(adopting: .required)
        #expect(self.isGranted(try await next.acquire(bench.volume, .exclusive, options)))
        let outcome = try await two.acquire(bench.volume, .exclusive, AcquireOptions())
        #expect(outcome == .contended(Contention(owner: Host(id: 1, state: .live))))
        try await next.leave(bench.lockspace.id, .stopped)
    }

    @Test func `a drive that is full gives up the mutex that nobody has used for longest`()
        async throws
    {
        var limits = EmulatedDrive.Limits()
        limits.mutexes = 4
        let bench = Bench(drives: 1, limits: limits)
        let manager = bench.manager(1)
        try await self.join(manager, bench)
        let block = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 1)
        // Each leaves a mutex with a stamp; one more is this host's membership.
        for number in 1...6 {
            let volume = Resource(
                .init(lockspace: bench.lockspace.id, name: .logicalVolume("lv\(number)")))
            let outcome = try await manager.acquire(volume, .exclusive, AcquireOptions())
            #expect(self.isGranted(outcome))
            try await manager.release(volume.id, writing: block)
        }
        #expect(bench.drives.records(of: 0).count == 4)
        // A lock without a stamp leaves nothing behind.
        _ = try await manager.acquire(bench.volume, .exclusive, AcquireOptions())
        try await manager.release(bench.volume.id, writing: nil)
        #expect(bench.drives.records(of: 0).count == 3)
    }

    @Test func `too few drives are an error that says how many it takes`() async throws {
        let bench = Bench(drives: 1)
        var lockspace = bench.lockspace
        lockspace.drives += ["/dev/nowhere", "/dev/nowhere2"]
        let manager = bench.manager(1)
        await #expect {
            _ = try await manager.join(
                manager.prepare(lockspace, JoinOptions()), JoinOptions())
        } throws: { error in
            let error = error as? LockManagerError
            return error?.code == .deviceUnavailable
                && error?.advice
                    == "1 of 3 drives are there, and it takes 2: /dev/nowhere: there is none"
        }
    }

    @Test func `a lockspace without a UUID or drives is refused`() async throws {
        let manager = Bench(drives: 1).manager(1)
        for lockspace in [
            Lockspace(volumeGroup: "vg0", kind: .idm, drives: ["/dev/emulated0"]),
            Lockspace(volumeGroup: "vg0", kind: .idm, uuid: "none", drives: ["/dev/emulated0"]),
            Lockspace(volumeGroup: "vg0", kind: .idm, uuid: "u"),
        ] {
            await #expect {
                _ = try await manager.prepare(lockspace, JoinOptions())
            } throws: {
                ($0 as? LockManagerError)?.code == .badArguments
            }
        }
        let many = Lockspace(
            volumeGroup: "vg0", kind: .idm, uuid: "u",
            drives: Array(repeating: "/dev/emulated0", count: 512))
        await #expect {
            _ = try await manager.prepare(many, JoinOptions())
        } throws: {
            ($0 as? LockManagerError)?.code == .limitReached
        }
    }
}
