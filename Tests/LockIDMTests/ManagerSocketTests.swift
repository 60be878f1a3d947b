import LockIDM
import LockIDMEmulation
import Testing

/// The manager's ways with its socket that a client has to know of.
@Suite struct ManagerSocketTests {
    private let lock = someLock()

    /// A client that says what it likes.
    private func rawClient(of bench: ManagerBench) throws -> UnixStream {
        let stream = try UnixStream(
            connectingTo: bench.managers[0].socketPath, within: .seconds(5))
        try self.ask(stream, .addLockspace, for: 0)
        return stream
    }

    private func ask(_ stream: UnixStream, _ request: ILMRequest, for result: Int32) throws {
        try stream.send(request.encoded, within: .seconds(5))
        try self.hear(stream, result)
    }

    private func hear(_ stream: UnixStream, _ result: Int32) throws {
        let bytes = try stream.receive(ILMHeader.size, within: .seconds(5))
        #expect(ILMHeader(bytes)?.result == result)
    }

    @Test func `what a client held is free soon after its end`() async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench)
        await one.close()
        let isFree = try await eventually {
            try await two.refusal(ofTaking: self.lock, .exclusive, on: bench) == nil
        }
        #expect(isFree)
    }

    @Test func `a lockspace that ends with locks leaves them to run out`() async throws {
        let bench = try ManagerBench(hosts: 2)
        let (one, two) = (try await bench.connect(1), try await bench.connect(2))
        try await one.take(self.lock, .exclusive, on: bench, countdown: ManagerBench.short)
        try await one.deleteLockspace()
        await one.close()
        #expect(bench.drives.records(of: 0).contains { $0.lock == self.lock && $0.isHeld })
        let isTakenOver = try await eventually {
            try await two.refusal(ofTaking: self.lock, .exclusive, on: bench) == nil
        }
        #expect(isTakenOver)
    }

    @Test func `connections of one process do not exclude each other without ids of their own`()
        async throws
    {
        let bench = try ManagerBench()
        let path = bench.managers[0].socketPath
        let one = try await ILMConnection(connectingTo: path)
        let two = try await ILMConnection(connectingTo: path)
        try await one.take(self.lock, .exclusive, on: bench)
        try await two.take(self.lock, .exclusive, on: bench)
        await one.close()
        await two.close()

        let (three, four) = (try await bench.connect(), try await bench.connect())
        let other = someLock()
        try await three.take(other, .exclusive, on: bench)
        #expect(try await four.refusal(ofTaking: other, .exclusive, on: bench) == .refused)
    }

    @Test func `an id that another connection has is busy`() async throws {
        let bench = try ManagerBench()
        let (one, two) = (try await bench.connect(), try await bench.connect())
        let host = HostID.random()
        try await one.setHostID(host)
        let refusal = try await two.refusal { connection throws(ILMError) in
            try await connection.setHostID(host)
        }
        #expect(refusal == .busy)
    }

    @Test func `a second end of a lockspace is not answered`() async throws {
        let bench = try ManagerBench()
        var limits = ILMConnection.TimeLimits()
        limits.answering = .seconds(2)
        let connection = try await bench.connect(1, limits: limits)
        try await connection.deleteLockspace()
        await #expect { try await connection.deleteLockspace() } throws: {
            ($0 as? ILMError)?.code == .timedOut
        }
    }

    @Test func `a value for a lock that is not held ends the connection one request later`()
        throws
    {
        let bench = try ManagerBench()
        let stream = try self.rawClient(of: bench)
        try self.ask(
            stream, .writeValueBlock(self.lock, Array(repeating: 1, count: 8)), for: -1)
        #expect(throws: UnixStream.Failure.self) {
            try self.ask(stream, .addLockspace, for: 0)
        }
    }

    @Test func `what is no request ends the connection`() throws {
        let bench = try ManagerBench()
        for header in [
            [UInt8](repeating: 0x20, count: 16), ILMHeader(command: 16, length: 16).encoded,
        ] {
            let stream = try self.rawClient(of: bench)
            try stream.send(header, within: .seconds(5))
            #expect(throws: UnixStream.Failure.self) {
                try stream.receive(1, within: .seconds(5))
            }
        }
    }

    @Test func `a length that says too much costs no more than bytes that follow`() throws {
        let bench = try ManagerBench()
        let stream = try self.rawClient(of: bench)
        // The C library's own kill path is such a request.
        var request = ILMRequest.setKillPath("/bin/true", arguments: "").encoded
        request.replaceSubrange(8..<10, with: [0x60, 0x01])
        try stream.send(request, within: .seconds(5))
        try self.hear(stream, 128)
        try self.ask(stream, .setSignal(15), for: 4)
    }

    @Test func `requests without a lockspace are refused`() async throws {
        let bench = try ManagerBench()
        let stream = try UnixStream(
            connectingTo: bench.managers[0].socketPath, within: .seconds(5))
        try self.ask(
            stream,
            .acquire(self.lock, .exclusive, drives: bench.paths, timeoutMilliseconds: 1000),
            for: -12)
        try self.ask(stream, .stopRenewal, for: -22)
        try self.ask(stream, .setSignal(9), for: -22)
    }
}
