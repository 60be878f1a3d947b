import Foundation
import LockIDM
import LockIDMEmulation
import Testing

/// Drives that fail below the manager: what propeller's ilm_inject_fault_test.py demands.
@Suite struct ManagerFailureTests {
    private let lock = someLock()

    /// Percentages at which half of so many drives or more fail, and at which fewer do.
    private static let percentages: [(drives: Int, failing: [Int32], working: [Int32])] = [
        (2, [100, 50], [0]), (3, [100, 70, 60, 50], [30, 0]), (4, [100, 70, 50], [10, 0]),
    ]

    @Test(arguments: percentages)
    func `a lock is refused with half of its drives failing, and granted with fewer`(
        _ drives: Int, _ failing: [Int32], _ working: [Int32]
    ) async throws {
        let bench = try ManagerBench(drives: drives)
        let connection = try await bench.connect()
        for percent in failing {
            try await connection.injectFailures(percent: percent)
            let refusal = try await connection.refusal(
                ofTaking: self.lock, .exclusive, on: bench)
            #expect(refusal == .storageFailed, "\(percent) %")
        }
        for percent in working {
            try await connection.injectFailures(percent: percent)
            try await connection.take(self.lock, .exclusive, on: bench)
            try await connection.unlock(self.lock)
        }
    }

    @Test(arguments: [2, 3, 4])
    func `an unlock with all drives failing fails, and the lock can be taken again after`(
        _ drives: Int
    ) async throws {
        let bench = try ManagerBench(drives: drives)
        let connection = try await bench.connect()
        for percent: Int32 in drives == 2 ? [100] : [100, 50] {
            try await connection.take(self.lock, .exclusive, on: bench)
            try await connection.injectFailures(percent: percent)
            #expect(try await connection.refusal(ofUnlocking: self.lock) == .storageFailed)
            try await connection.injectFailures(percent: 0)
            try await connection.take(self.lock, .exclusive, on: bench)
            try await connection.unlock(self.lock)
        }
    }

    @Test(arguments: [2, 3, 4])
    func `a conversion fails with half of the drives, and works with all`(
        _ drives: Int
    ) async throws {
        let bench = try ManagerBench(drives: drives)
        let connection = try await bench.connect()
        try await connection.take(self.lock, .shareable, on: bench)
        for percent: Int32 in [100, 50] {
            try await connection.injectFailures(percent: percent)
            let refusal = try await connection.refusal(ofConverting: self.lock, to: .exclusive)
            #expect(refusal == .storageFailed, "\(percent) %")
        }
        try await connection.injectFailures(percent: 0)
        try await connection.convert(self.lock, to: .exclusive)
        try await connection.unlock(self.lock)
    }

    @Test(arguments: [1, 2, 3, 4], [Int32(100), 50, 0])
    func `a lock outlives a time in which its drives fail`(
        _ drives: Int, _ percent: Int32
    ) async throws {
        let bench = try ManagerBench(drives: drives)
        let connection = try await bench.connect()
        try await connection.take(
            self.lock, .exclusive, on: bench, countdown: .milliseconds(100))
        try await connection.injectFailures(percent: percent)
        // The share of the drives that fails runs out.
        let hasRunOut = await eventually {
            percent < 100
                || (0..<drives).allSatisfy { drive in
                    bench.drives.records(of: drive).allSatisfy { $0.state == .timedOut }
                }
        }
        #expect(hasRunOut)
        try await connection.stopRenewal()
        try await connection.injectFailures(percent: 0)
        try await connection.unlock(self.lock)
    }

    @Test(arguments: [1, 2, 3, 4])
    func `renewal goes on as drives come back one after the other`(_ drives: Int) async throws {
        let bench = try ManagerBench(drives: drives, hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench)
        for percent: Int32 in [100, 50, 0] {
            try await one.injectFailures(percent: percent)
            try await one.stopRenewal()
            try await one.startRenewal()
        }
        func renewals() -> [UInt64?] {
            (0..<drives).map { bench.drives.records(of: $0).first?.modifiedMilliseconds }
        }
        let before = renewals()
        let isRenewed = await eventually { zip(before, renewals()).allSatisfy { $0 != $1 } }
        #expect(isRenewed)
        #expect(try await two.refusal(ofTaking: self.lock, .exclusive, on: bench) == .refused)
        try await one.unlock(self.lock)
    }

    @Test func `of three drives one may fail, be unknown, or be named twice`() async throws {
        let bench = try ManagerBench(drives: 3)
        let connection = try await bench.connect()
        bench.drives.setFailing(true, drive: 0)
        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.unlock(self.lock)
        bench.drives.setFailing(true, drive: 1)
        // Drives that do not answer at all look like another holder.
        let none = try await connection.refusal(ofTaking: self.lock, .exclusive, on: bench)
        #expect(none == .refused)
        for drive in 0..<2 { bench.drives.setFailing(false, drive: drive) }

        func refusal(ofTakingOn drives: [String]) async throws -> ILMResult? {
            try await connection.refusal { connection throws(ILMError) in
                try await connection.lock(
                    self.lock, .exclusive, drives: drives, countdown: ManagerBench.long)
                try await connection.unlock(self.lock)
            }
        }
        let (first, second) = (bench.paths[0], bench.paths[1])
        #expect(try await refusal(ofTakingOn: [first, second, "/dev/nowhere"]) == nil)
        #expect(
            try await refusal(ofTakingOn: [first, "/dev/nowhere", "/dev/nowhere"])
                == .tooFewDrives)
        #expect(try await refusal(ofTakingOn: [first, first, second]) == nil)
    }

    @Test func `a drive without room for more is one that fails`() async throws {
        var limits = EmulatedDrive.Limits()
        limits.mutexes = 2
        var drive = EmulatedDrive(limits: limits)
        let host = HostID.random()
        func take(_ lock: LockID) -> DriveAnswer {
            drive.perform(.change(MutexChange(.tryLock, lock, by: host, as: .exclusive)), now: 0)
        }
        #expect(take(someLock()) == .done)
        #expect(take(someLock()) == .done)
        #expect(take(someLock()) == .refused(.mutexesFull))
    }

    @Test func `the kill path runs when nothing could be renewed for too long`() async throws {
        let bench = try ManagerBench(drives: 1, behaviour: ManagerBench.impatient)
        let connection = try await bench.connect()
        let file = bench.folder.appending(path: "killed").path
        try await connection.setSignal(0)
        try await connection.setKillPath("/usr/bin/touch", arguments: file)
        try await connection.take(self.lock, .exclusive, on: bench, countdown: .seconds(1))
        bench.drives.setFailing(true, drive: 0)
        #expect(await eventually { FileManager.default.fileExists(atPath: file) })
        // Nothing is renewed after that, and letting go works once the drive answers again.
        bench.drives.setFailing(false, drive: 0)
        let runsOut = await eventually {
            bench.drives.records(of: 0).contains { $0.state == .timedOut }
        }
        #expect(runsOut)
        try await connection.unlock(self.lock)
    }

    @Test func `without a kill path the client gets its signal`() async throws {
        let bench = try ManagerBench(drives: 1, behaviour: ManagerBench.impatient)
        let connection = try await bench.connect()
        signal(SIGUSR2) { _ in Counter.signals.add(1) }
        defer { signal(SIGUSR2, SIG_DFL) }
        try await connection.setSignal(SIGUSR2)
        try await connection.take(self.lock, .exclusive, on: bench, countdown: .seconds(1))
        bench.drives.setFailing(true, drive: 0)
        #expect(await eventually { Counter.signals.add(0) == 1 })
    }

    @Test func `many clients take, convert and let go on several drives, and never meet`()
        async throws
    {
        let bench = try ManagerBench(drives: 4, hosts: 2)
        let inside = Counter()
        try await withThrowingTaskGroup { group in
            for client in 1...4 {
                group.addTask {
                    let connection = try await bench.connect(client % 2 + 1)
                    var rounds = 0
                    while rounds < 25 {
                        let refusal = try await connection.refusal(
                            ofTaking: self.lock, .exclusive, on: bench)
                        guard refusal == nil else {
                            #expect(refusal == .refused)
                            continue
                        }
                        #expect(inside.add(1) == 1)
                        inside.add(-1)
                        try await connection.convert(self.lock, to: .shareable)
                        try await connection.unlock(self.lock)
                        rounds += 1
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
