import LockIDM
import LockIDMEmulation
import Testing

/// Value blocks through the manager's socket: what propeller's ilm_lvb_test.py demands.
@Suite struct ManagerValueTests {
    private let lock = someLock()
    private let value: [UInt8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]
    /// The last byte is lost on the way.
    private let kept: [UInt8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0x00]

    @Test func `a fresh lock has a value of zeros, on every host`() async throws {
        let bench = try ManagerBench(hosts: 2)
        for host in 1...2 {
            let connection = try await bench.connect(host)
            try await connection.take(self.lock, .shareable, on: bench)
            let value = try await connection.readValueBlock(of: self.lock)
            #expect(value == [UInt8](repeating: 0, count: 8))
        }
    }

    @Test func `what an unlock writes, the next holder reads, on any host and connection`()
        async throws
    {
        let bench = try ManagerBench(hosts: 2)
        let one = try await bench.connect(1)
        try await one.take(self.lock, .exclusive, on: bench)
        try await one.writeValueBlock(self.value, of: self.lock)
        try await one.unlock(self.lock)
        await one.close()
        for host in 1...2 {
            let connection = try await bench.connect(host)
            try await connection.take(self.lock, .exclusive, on: bench)
            #expect(try await connection.readValueBlock(of: self.lock) == self.kept)
            try await connection.unlock(self.lock)
        }
    }

    @Test func `a manager that removes mutexes after every unlock loses the value`() async throws {
        var behaviour = ManagerBench.behaviour
        behaviour.destroysAfterUnlock = true
        let bench = try ManagerBench(behaviour: behaviour)
        let connection = try await bench.connect()
        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.writeValueBlock(self.value, of: self.lock)
        try await connection.unlock(self.lock)
        try await connection.take(self.lock, .exclusive, on: bench)
        let value = try await connection.readValueBlock(of: self.lock)
        #expect(value == [UInt8](repeating: 0, count: 8))
    }

    @Test func `reading drops what was to be written, and holding without either writes zeros`()
        async throws
    {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.writeValueBlock(self.value, of: self.lock)
        try await connection.unlock(self.lock)

        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.writeValueBlock([UInt8](repeating: 9, count: 8), of: self.lock)
        #expect(try await connection.readValueBlock(of: self.lock) == self.kept)
        try await connection.unlock(self.lock)
        try await connection.take(self.lock, .exclusive, on: bench)
        #expect(try await connection.readValueBlock(of: self.lock) == self.kept)
        try await connection.unlock(self.lock)

        try await connection.take(self.lock, .exclusive, on: bench)
        try await connection.unlock(self.lock)
        try await connection.take(self.lock, .exclusive, on: bench)
        let value = try await connection.readValueBlock(of: self.lock)
        #expect(value == [UInt8](repeating: 0, count: 8))
    }

    @Test func `after taking over, the value reads as ones`() async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench, countdown: ManagerBench.short)
        try await one.stopRenewal()
        let isTaken = try await eventually {
            try await two.refusal(ofTaking: self.lock, .exclusive, on: bench) == nil
        }
        #expect(isTaken)
        let value = try await two.readValueBlock(of: self.lock)
        #expect(value == [UInt8](repeating: 0xff, count: 8))
        #expect(ChangeStamp(valueBlock: value).isUnknown)
    }
}
