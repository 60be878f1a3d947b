import Foundation
import LockIDM
import LockIDMEmulation
import Testing

/// The client's connection when the other side does not do its part.
@Suite struct ConnectionTests {
    private let lock = someLock()

    @Test func `nobody at the socket is an error that names it`() async throws {
        let error = await error { try await ILMConnection(connectingTo: "/nowhere/main.sock") }
        #expect(error?.code == .unreachable)
        #expect(error?.status == ENOENT)
        #expect(error?.doing == "connect to /nowhere/main.sock")
        let long = String(repeating: "x", count: 200)
        #expect(
            await self.error { try await ILMConnection(connectingTo: "/\(long)") }?.status
                == ENAMETOOLONG)
        #expect(await !ILMConnection.canConnect(to: "/nowhere/main.sock"))
        let bench = try ManagerBench()
        #expect(await ILMConnection.canConnect(to: bench.managers[0].socketPath))
    }

    @Test(arguments: [ILMRequest.Command.version, .mode, .hostCount, .readValueBlock, .release])
    func `a connection that breaks at any byte of an answer is closed, and says so`(
        _ command: ILMRequest.Command
    ) async throws {
        let data = [UInt8](repeating: 0, count: command.replySize)
        let reply = ILMReply(result: 0, data: data).encoded(noise: 0x5678)
        for count in 0..<reply.count {
            let error = try await self.answer(Array(reply.prefix(count)), to: command)
            #expect(error?.code == .closed, "\(count) bytes")
        }
        #expect(try await self.answer(reply, to: command) == nil)
    }

    @Test func `a connection that breaks at any byte of a request is closed, and says so`()
        async throws
    {
        let request = ILMRequest.release(self.lock).encoded
        for count in 0..<request.count {
            let (ours, theirs) = try streams()
            let connection = ILMConnection(ours)
            let peer = Task.detached {
                _ = try? theirs.receive(count, within: .seconds(5))
                theirs.close()
            }
            let error = await self.error { try await connection.unlock(self.lock) }
            #expect(error?.code == .closed, "\(count) bytes")
            await peer.value
        }
    }

    @Test func `an answer that is none closes the connection`() async throws {
        let error = try await self.answer(
            Array("HTTP/1.1 400 Bad".utf8) + [0], to: .release)
        #expect(error?.code == .malformed)
    }

    @Test(arguments: [ILMRequest.Command.version, .mode, .hostCount, .readValueBlock])
    func `success without the data that was asked for is no answer`(
        _ command: ILMRequest.Command
    ) async throws {
        let error = try await self.answer(ILMReply(result: 4).encoded(), to: command)
        #expect(error?.code == .malformed)
    }

    @Test func `an answer that does not come in time closes the connection for good`()
        async throws
    {
        let (ours, theirs) = try streams()
        var limits = ILMConnection.TimeLimits()
        limits.answering = .milliseconds(50)
        let connection = ILMConnection(ours, limits: limits)
        let error = await self.error { try await connection.unlock(self.lock) }
        #expect(error?.code == .timedOut)
        #expect(await self.error { try await connection.unlock(self.lock) }?.code == .closed)
        #expect(await connection.isClosed())
        theirs.close()
    }

    @Test func `a manager that takes no request, or no more callers, is waited for so long`()
        async throws
    {
        var limits = ILMConnection.TimeLimits()
        (limits.connecting, limits.sending) = (.milliseconds(50), .milliseconds(50))
        let (ours, theirs) = try streams()
        let connection = ILMConnection(ours, limits: limits)
        // Two megabytes: more than the kernel keeps for a peer that does not read.
        let drives = Array(repeating: "/dev/sda", count: 511)
        let error = await self.error {
            try await connection.mode(of: self.lock, drives: drives)
        }
        #expect(error?.code == .timedOut)
        #expect(await connection.isClosed())
        theirs.close()

        let path = FileManager.default.temporaryDirectory.appending(path: "hfc\(UUID())").path
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(listener)
            unlink(path)
        }
        try #require(UnixStream.withAddress(path) { bind(listener, $0, $1) } == 0)
        try #require(listen(listener, 0) == 0)
        // There is room for one that waits.
        let caller = try UnixStream(connectingTo: path, within: .seconds(5))
        let refusal = await self.error {
            try await ILMConnection(connectingTo: path, limits: limits)
        }
        #expect(refusal?.code == .timedOut && refusal?.doing == "connect to \(path)")
        #expect(await ILMConnection.canConnect(to: path))
        caller.close()
    }

    @Test func `a refusal says what was asked, and leaves the connection as it is`()
        async throws
    {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        let error = await self.error { try await connection.unlock(self.lock) }
        #expect(error?.code == .refused && error?.result == .refused)
        #expect(error?.doing == "unlock \(self.lock)")
        #expect(error?.endsConnection == false)
        try await connection.take(self.lock, .exclusive, on: bench)
    }

    @Test func `what the manager could not read is not sent`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        let long = String(repeating: "x", count: 128)
        func isInvalid(
            _ call: (ILMConnection) async throws -> Void
        ) async -> Bool {
            await self.error { try await call(connection) }?.code == .invalid
        }
        #expect(await isInvalid { try await $0.setKillPath(long, arguments: "") })
        #expect(await isInvalid { try await $0.setKillPath("", arguments: long) })
        for drives in [[], [""], ["/dev/\0"], Array(repeating: "/dev/sda", count: 512)] {
            #expect(
                await isInvalid {
                    try await $0.lock(self.lock, .exclusive, drives: drives, countdown: .seconds(1))
                })
        }
        for countdown in [Duration.zero, .milliseconds(-1), .seconds(3_000_000)] {
            #expect(
                await isInvalid {
                    try await $0.lock(
                        self.lock, .exclusive, drives: bench.paths, countdown: countdown)
                })
        }
        #expect(await isInvalid { try await $0.writeValueBlock([1], of: self.lock) })
        // All of that has left the connection as it was.
        try await connection.take(self.lock, .exclusive, on: bench)
    }

    @Test func `a request with 511 drives comes through`() async throws {
        let bench = try ManagerBench()
        let connection = try await bench.connect()
        let drives = (0..<511).map { bench.paths[$0 % 2] }
        try await connection.lock(
            self.lock, .exclusive, drives: drives, countdown: ManagerBench.long)
    }

    /// What the connection makes of these bytes, after which the other side closes.
    private func answer(
        _ bytes: [UInt8], to command: ILMRequest.Command
    ) async throws -> ILMError? {
        let (ours, theirs) = try streams()
        let connection = ILMConnection(ours)
        try theirs.send(bytes, within: .seconds(5))
        let drives = ["/dev/sda"]
        let peer = Task.detached {
            _ = try? theirs.receive(ILMHeader.size + ILMLockPayload.size, within: .seconds(5))
            theirs.close()
        }
        let error = await self.error {
            switch command {
            case .version: _ = try await connection.version(of: drives[0])
            case .mode: _ = try await connection.mode(of: self.lock, drives: drives)
            case .hostCount: _ = try await connection.hostCount(of: self.lock, drives: drives)
            case .readValueBlock: _ = try await connection.readValueBlock(of: self.lock)
            default: try await connection.unlock(self.lock)
            }
        }
        await peer.value
        return error
    }

    private func error<Value>(_ call: () async throws -> Value) async -> ILMError? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error as? ILMError
        }
    }
}

/// Both ends of a connection.
private func streams() throws -> (UnixStream, UnixStream) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (UnixStream(ends[0]), UnixStream(ends[1]))
}
