import LockIDM
import LockIDMEmulation
import Testing

/// One drive: what propeller's idm_api_test.py demands of firmware.
@Suite struct EmulatedDriveTests {
    private let lock = someLock()
    private let one = HostID(number: 1, boot: [])
    private let two = HostID(number: 2, boot: [])
    private let three = HostID(number: 3, boot: [])

    /// A drive and its clock; holds run out after 1000 ms.
    private struct Bench {
        var drive = EmulatedDrive()
        var now: UInt64 = 0
        let lock: LockID

        mutating func ask(
            _ operation: MutexChange.Operation, _ host: HostID, _ mutexClass: MutexClass,
            value: ChangeStamp? = nil, countdown: UInt64 = 1000
        ) -> DriveRefusal? {
            let change = MutexChange(
                operation, self.lock, by: host, as: mutexClass, countdownMilliseconds: countdown,
                value: value)
            switch self.drive.perform(.change(change), now: self.now) {
            case .refused(let refusal): return refusal
            default: return nil
            }
        }

        var states: [MutexRecord.State] { self.drive.records(now: self.now).map(\.state) }
    }

    @Test func `the version is 1`() {
        var drive = EmulatedDrive()
        #expect(drive.perform(.version, now: 0) == .version(major: 1, minor: 0))
    }

    @Test func `an exclusive mutex stays when unlocked, and can be destroyed`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(bench.states == [.locked])
        #expect(bench.ask(.unlock, self.one, .exclusive) == nil)
        #expect(bench.states == [.unlocked])
        #expect(bench.ask(.destroy, self.one, .exclusive) == nil)
        #expect(bench.states == [])
        #expect(bench.ask(.destroy, self.one, .exclusive) == .notFound)
    }

    @Test func `a shared mutex goes with its last holder`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .shared) == nil)
        #expect(bench.ask(.unlock, self.one, .shared) == nil)
        #expect(bench.states == [])
        #expect(bench.ask(.destroy, self.one, .shared) == .notFound)
        #expect(bench.ask(.unlock, self.one, .shared) == .notFound)
    }

    @Test(arguments: [MutexClass.exclusive, .shared])
    func `who holds a mutex is told so when asking again`(_ mutexClass: MutexClass) {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, mutexClass) == nil)
        #expect(bench.ask(.tryLock, self.one, mutexClass) == .terminated)
        bench.now = 2000
        #expect(bench.ask(.tryLock, self.one, mutexClass) == .terminated)
    }

    @Test func `an exclusive mutex may be unlocked twice, and by anybody once it is`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(bench.ask(.tryLock, self.two, .exclusive) == .conflict)
        #expect(bench.ask(.unlock, self.two, .exclusive) == .conflict)
        #expect(bench.ask(.unlock, self.one, .exclusive) == nil)
        #expect(bench.ask(.unlock, self.one, .exclusive) == nil)
        #expect(bench.ask(.unlock, self.two, .exclusive) == nil)
    }

    @Test func `a class that is not the holder's is not unlocked`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(bench.ask(.unlock, self.one, .shared) == .terminated)
    }

    @Test func `two hosts share, and nothing is destroyed while one is left`() {
        var bench = Bench(lock: self.lock)
        for host in [self.one, self.two] { #expect(bench.ask(.tryLock, host, .shared) == nil) }
        #expect(bench.states == [.multiplyLocked, .multiplyLocked])
        #expect(bench.ask(.unlock, self.one, .shared) == nil)
        #expect(bench.ask(.destroy, self.one, .shared) == .conflict)
        #expect(bench.ask(.unlock, self.two, .shared) == nil)
        #expect(bench.ask(.destroy, self.two, .shared) == .notFound)
    }

    @Test(arguments: [
        (MutexClass.exclusive, MutexClass.exclusive), (.exclusive, .shared), (.shared, .exclusive),
    ])
    func `a mutex is taken over when its time is over, not before, and not by asking for it`(
        _ first: MutexClass, _ second: MutexClass
    ) {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, first) == nil)
        #expect(bench.ask(.takeOver, self.two, second) == .conflict)
        bench.now = 1000
        #expect(bench.states == [.timedOut])
        #expect(bench.ask(.tryLock, self.two, second) == .conflict)
        #expect(bench.ask(.takeOver, self.two, second) == nil)
        #expect(bench.ask(.unlock, self.one, first) == .conflict)
        #expect(bench.ask(.refresh, self.one, first) == .conflict)
        #expect(bench.states == [.locked])
    }

    @Test func `sharers join those whose time is over, and taking over needs all to be`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .shared) == nil)
        bench.now = 600
        #expect(bench.ask(.tryLock, self.two, .shared) == nil)
        bench.now = 1000
        #expect(bench.ask(.tryLock, self.three, .shared) == nil)
        #expect(bench.ask(.takeOver, self.three, .exclusive) == .conflict)
        bench.now = 1600
        #expect(bench.ask(.takeOver, self.three, .exclusive) == nil)
        #expect(bench.states == [.locked])
    }

    @Test func `what is unlocked or unknown is not taken over`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.takeOver, self.one, .exclusive) == .notFound)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(bench.ask(.unlock, self.one, .exclusive) == nil)
        #expect(bench.ask(.takeOver, self.two, .exclusive) == .conflict)
    }

    @Test func `a countdown without end protects nobody`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .exclusive, countdown: .max) == nil)
        #expect(bench.ask(.takeOver, self.two, .exclusive) == nil)
    }

    @Test func `a refresh changes the class, unless others share`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.refresh, self.one, .shared) == .notFound)
        #expect(bench.ask(.tryLock, self.one, .shared) == nil)
        #expect(bench.ask(.refresh, self.one, .exclusive) == nil)
        #expect(bench.ask(.refresh, self.two, .exclusive) == .conflict)
        #expect(bench.ask(.refresh, self.one, .shared) == nil)
        #expect(bench.ask(.tryLock, self.two, .shared) == nil)
        #expect(bench.ask(.refresh, self.one, .exclusive) == .terminated)
        bench.now = 5000
        #expect(bench.ask(.refresh, self.one, .exclusive) == .terminated)
    }

    @Test func `refreshes keep a mutex, and bring one back that nobody took`() {
        var bench = Bench(lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        for now in [900, 1800, 2700] as [UInt64] {
            bench.now = now
            #expect(bench.ask(.takeOver, self.two, .exclusive) == .conflict)
            #expect(bench.ask(.refresh, self.one, .exclusive) == nil)
        }
        for mutexClass in [MutexClass.exclusive, .shared, .exclusive] {
            bench.now += 5000
            #expect(bench.states == [.timedOut])
            #expect(bench.ask(.refresh, self.one, mutexClass) == nil)
            #expect(bench.states == [.locked])
        }
    }

    @Test func `a value is kept from holder to holder, and lost with the mutex`() {
        var bench = Bench(lock: self.lock)
        func value() -> ChangeStamp? { bench.drive.records(now: bench.now).first?.value }
        let stamp = ChangeStamp(rawValue: 0x00ab_cdef_0123_4567)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(value() == ChangeStamp.none)
        #expect(bench.ask(.unlock, self.one, .exclusive, value: stamp) == nil)
        #expect(bench.ask(.tryLock, self.two, .shared) == nil)
        #expect(value() == stamp)
        #expect(bench.ask(.refresh, self.two, .exclusive) == nil)
        #expect(bench.ask(.unlock, self.two, .exclusive) == nil)
        #expect(value() == stamp)
        #expect(bench.ask(.destroy, self.two, .exclusive) == nil)
        #expect(bench.ask(.tryLock, self.one, .exclusive) == nil)
        #expect(value() == ChangeStamp.none)
    }

    @Test func `holders are counted and their class is told, of each lock on each drive`() {
        var benches = [Bench(lock: self.lock), Bench(lock: self.lock), Bench(lock: someLock())]
        func held(_ bench: Bench) -> [MutexClass] {
            bench.drive.records(now: bench.now).filter(\.isLive).map(\.mutexClass)
        }
        #expect(held(benches[0]) == [])
        #expect(benches[0].ask(.tryLock, self.one, .exclusive) == nil)
        #expect(held(benches[0]) == [.exclusive])
        // Another drive, and another lock on the first.
        benches[2].drive = benches[0].drive
        for (count, host) in [self.one, self.two, self.three].enumerated() {
            #expect(benches[1].ask(.tryLock, host, .shared) == nil)
            #expect(held(benches[1]) == Array(repeating: .shared, count: count + 1))
            #expect(benches[2].ask(.tryLock, host, .shared) == nil)
        }
        #expect(held(benches[0]) == [.exclusive])
        #expect(held(benches[2]) == [.exclusive, .shared, .shared, .shared])
    }

    @Test func `a drive keeps so many mutexes, hosts, and sharers`() {
        var limits = EmulatedDrive.Limits()
        (limits.mutexes, limits.hosts, limits.sharers) = (3, 3, 2)
        var bench = Bench(drive: EmulatedDrive(limits: limits), lock: self.lock)
        #expect(bench.ask(.tryLock, self.one, .shared) == nil)
        #expect(bench.ask(.tryLock, self.two, .shared) == nil)
        #expect(bench.ask(.tryLock, self.three, .shared) == .sharersFull)
        func other(_ host: HostID) -> DriveAnswer {
            bench.drive.perform(
                .change(MutexChange(.tryLock, someLock(), by: host, as: .exclusive)), now: 0)
        }
        #expect(other(self.three) == .done)
        #expect(other(HostID(number: 4, boot: [])) == .refused(.hostsFull))
        #expect(other(self.one) == .done)
        #expect(other(self.one) == .refused(.mutexesFull))
    }

    @Test func `drives in a bank fail as told, and repeatably`() throws {
        func outcomes(seed: UInt64) -> [Bool] {
            let bank = EmulatedDriveBank(drives: 1, seed: seed)
            bank.setFailures(percent: 30, drive: 0)
            return (0..<200).map { _ in (try? bank.perform(.count, on: 0, from: 1)) == nil }
        }
        #expect(outcomes(seed: 1) == outcomes(seed: 1))
        #expect(outcomes(seed: 1) != outcomes(seed: 2))
        #expect((30...90).contains(outcomes(seed: 1).count { $0 }))

        let bank = EmulatedDriveBank(drives: 1)
        bank.setCutOff(true, host: 1)
        #expect(throws: DriveError.self) { try bank.perform(.count, on: 0, from: 1) }
        #expect(try bank.perform(.count, on: 0, from: 2) == .count(0))
    }
}
