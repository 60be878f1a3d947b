import LockIDM
import LockIDMEmulation
import Testing

/// Locks through the manager's socket: what propeller's own tests (ilm_test.py) demand.
@Suite struct ManagerLockTests {
    private let lock = someLock()

    @Test func `a lockspace is made, and deleted`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.deleteLockspace()
    }

    @Test func `the version of a drive is told`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        let version = try await connection.version(of: bench.paths[0])
        #expect(version == (1, 0))
    }

    @Test(arguments: [ILMMode.exclusive, .shareable])
    func `a lock is taken and let go, a hundred times`(_ mode: ILMMode) async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        for _ in 1...100 {
            try await connection.take(self.lock, mode, on: bench)
            try await connection.unlock(self.lock)
        }
    }

    @Test func `a mode that is none is invalid`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        for mode in [ILMMode.unlocked, ILMMode(rawValue: 7)] {
            let refusal = try await connection.refusal(ofTaking: self.lock, mode, on: bench)
            #expect(refusal == .invalid)
        }
    }

    @Test(arguments: [ILMMode.exclusive, .shareable])
    func `a connection that holds a lock is busy with it, and can let go`(
        _ mode: ILMMode
    ) async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.take(self.lock, mode, on: bench)
        #expect(try await connection.refusal(ofTaking: self.lock, mode, on: bench) == .busy)
        try await connection.unlock(self.lock)
    }

    @Test func `what has been let go cannot be let go again`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.unlock(self.lock)
        #expect(try await connection.refusal(ofUnlocking: self.lock) == .refused)
    }

    @Test(arguments: [
        (ILMMode.exclusive, ILMMode.exclusive), (.exclusive, .shareable), (.shareable, .exclusive),
    ])
    func `a second host is refused what excludes the first`(
        _ first: ILMMode, _ second: ILMMode
    ) async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, first, on: bench)
        #expect(try await two.refusal(ofTaking: self.lock, second, on: bench) == .refused)
        #expect(try await two.refusal(ofUnlocking: self.lock) == .refused)
        try await one.unlock(self.lock)
        try await two.take(self.lock, second, on: bench)
    }

    @Test func `two hosts share`() async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        for connection in [one, two] {
            try await connection.take(self.lock, .shareable, on: bench)
        }
        for connection in [one, two] { try await connection.unlock(self.lock) }
    }

    @Test func `who does not hold a lock cannot let go of it, before and after the holder`()
        async throws
    {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench)
        #expect(try await two.refusal(ofUnlocking: self.lock) == .refused)
        try await one.unlock(self.lock)
        #expect(try await two.refusal(ofUnlocking: self.lock) == .refused)
    }

    @Test(arguments: [
        (ILMMode.shareable, ILMMode.shareable), (.shareable, .exclusive),
        (.exclusive, .shareable), (.exclusive, .exclusive),
    ])
    func `a lone holder converts`(_ from: ILMMode, _ to: ILMMode) async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.take(self.lock, from, on: bench)
        try await connection.convert(self.lock, to: to)
        #expect(try await connection.mode(of: self.lock, drives: bench.paths) == to)
        try await connection.unlock(self.lock)
    }

    @Test func `sharers do not become exclusive, until one of them is left`() async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        for connection in [one, two] {
            try await connection.take(self.lock, .shareable, on: bench)
        }
        #expect(try await one.refusal(ofConverting: self.lock, to: .exclusive) == .refused)
        #expect(try await two.refusal(ofConverting: self.lock, to: .exclusive) == .refused)
        try await one.unlock(self.lock)
        #expect(try await one.refusal(ofConverting: self.lock, to: .exclusive) == .refused)
        try await two.convert(self.lock, to: .exclusive)
    }

    @Test func `a sharer whose time is over does not keep another from becoming exclusive`()
        async throws
    {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .shareable, on: bench, countdown: ManagerBench.short)
        try await two.take(self.lock, .shareable, on: bench)
        try await one.stopRenewal()
        let isConverted = try await eventually {
            try await two.refusal(ofConverting: self.lock, to: .exclusive) == nil
        }
        #expect(isConverted)
        #expect(try await two.mode(of: self.lock, drives: bench.paths) == .exclusive)
    }

    @Test func `a third host shares beside one whose time is over`() async throws {
        let bench = try ManagerBench(hosts: 3)
        let hosts = [
            try await bench.connect(1), try await bench.connect(2), try await bench.connect(3),
        ]
        for connection in hosts.prefix(2) {
            try await connection.take(
                self.lock, .shareable, on: bench, countdown: ManagerBench.short)
        }
        try await hosts[0].stopRenewal()
        #expect(try await runsOut(on: bench))
        try await hosts[2].take(self.lock, .shareable, on: bench)
        #expect(try await hosts[2].mode(of: self.lock, drives: bench.paths) == .shareable)
    }

    @Test(arguments: [ILMMode.exclusive, .shareable])
    func `a second host takes over from one whose time is over`(_ mode: ILMMode) async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench, countdown: ManagerBench.short)
        try await one.stopRenewal()
        #expect(try await runsOut(on: bench))
        try await two.take(self.lock, mode, on: bench)
        #expect(try await two.mode(of: self.lock, drives: bench.paths) == mode)
        try await two.convert(self.lock, to: .exclusive)
        try await two.convert(self.lock, to: .shareable)
        #expect(try await one.refusal(ofConverting: self.lock, to: .exclusive) == .expired)
    }

    @Test func `who runs out of time and is not taken over lets go, or converts, as usual`()
        async throws
    {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.stopRenewal()
        for (first, second) in [(ILMMode.exclusive, ILMMode.shareable), (.shareable, .exclusive)] {
            try await connection.take(self.lock, first, on: bench, countdown: ManagerBench.short)
            #expect(try await runsOut(on: bench))
            try await connection.convert(self.lock, to: second)
            #expect(try await runsOut(on: bench))
            try await connection.unlock(self.lock)
        }
    }

    @Test func `every host sees the mode, and of an unknown lock that nobody holds it`()
        async throws
    {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        for connection in [one, two] {
            #expect(try await connection.mode(of: self.lock, drives: bench.paths) == .unlocked)
        }
        for mode in [ILMMode.exclusive, .shareable] {
            try await one.take(self.lock, mode, on: bench)
            for connection in [one, two] {
                #expect(try await connection.mode(of: self.lock, drives: bench.paths) == mode)
            }
            try await one.unlock(self.lock)
            #expect(try await two.mode(of: self.lock, drives: bench.paths) == .unlocked)
        }
    }

    @Test func `holders are counted, oneself apart`() async throws {
        let bench = try ManagerBench(hosts: 3)
        let hosts = [
            try await bench.connect(1), try await bench.connect(2), try await bench.connect(3),
        ]
        for (others, connection) in hosts.enumerated() {
            try await connection.take(self.lock, .shareable, on: bench)
            let count = try await connection.hostCount(of: self.lock, drives: bench.paths)
            #expect(count == ILMHostCount(others: others, isHeldBySelf: true))
        }
        for (place, connection) in hosts.enumerated() {
            try await connection.unlock(self.lock)
            let count = try await connection.hostCount(of: self.lock, drives: bench.paths)
            #expect(count == ILMHostCount(others: 2 - place, isHeldBySelf: false))
        }
    }

    /// Waits until some holder has run out of time.
    private func runsOut(on bench: ManagerBench) async throws -> Bool {
        await eventually {
            bench.drives.records(of: 0).contains {
                $0.lock == self.lock && $0.state == .timedOut
            }
        }
    }
}
