import LVMWire
import LockCore
import Testing

@Suite struct CapturedTrafficTests {
    @Test func `the captured traffic is all there`() {
        #expect(Captured.exchanges.count > 1000)
        #expect(Captured.exchanges.count { $0.response != nil } > 1000)
    }

    @Test func `every captured request is understood`() throws {
        for exchange in Captured.exchanges {
            let request = try Request.parse(exchange.request)
            if case .refused = request.body { Issue.record("refused: \(exchange)") }
            guard let reply = exchange.response else { continue }
            let fields = try ClientResponse(reply)
            if let number = fields.int("op") {
                #expect(Int64(request.operation.rawValue) == number, "\(exchange)")
            }
            if case .action(let action) = request.body {
                #expect(OperationNumber(action.operation) == request.operation)
            }
        }
    }

    @Test func `every captured reply is written again, byte for byte up to the newer field`() throws
    {
        var count = 0
        for exchange in Captured.exchanges {
            guard let captured = exchange.response else { continue }
            let request = try Request.parse(exchange.request)
            let ours = try Self.encoded(ClientResponse(captured), to: request.operation)
            #expect(ours.suffix(5) == frame("\n\n##\n")[...])
            let newer = lines(ours.dropLast(4)).filter { $0 != "ls_generation = 0" }
            #expect(newer == lines(captured), "\(exchange)")
            count += 1
        }
        #expect(count > 1000)
    }

    private static func encoded(
        _ captured: ClientResponse, to operation: OperationNumber
    ) throws -> [UInt8] {
        if operation == .dumpInfo || operation == .dumpLog {
            return Response.dump(bytes: Int(captured.int("dump_len") ?? -1))
        }
        let result = try #require(captured.result)
        var reply = Reply()
        if result.rawValue < 0 {
            reply.error = LockErrorCode.allCases.first { ResultCode($0) == result }
            #expect(reply.error != nil, "no code for \(result.rawValue)")
        } else if operation == .stopAll {
            reply.content = .lockspacesLeft(Int(result.rawValue))
        }
        reply.isFromManager = captured.int("lm_result") ?? 0 != 0
        if let type = captured.string("lock_type"), type != "none" {
            reply.kind = LockManagerKind(rawValue: type)
        }
        reply.notes = captured.notes
        if let group = captured.string("vg_lock_args"), let volume = captured.string("lv_lock_args")
        {
            reply.content = .arguments(
                volumeGroup: group == "none" ? "" : group,
                logicalVolume: volume == "none" ? "" : volume)
        }
        return Response.encode(reply, to: operation)
    }

    @Test func `a request of ours says what the captured one says`() throws {
        for exchange in Captured.exchanges {
            let fields = try ClientResponse(exchange.request).fields
            var name = ""
            if case .string(let word)? = fields.first?.value { name = word }
            var request = ClientRequest(name)
            for (key, value) in fields.dropFirst() { request.add(key, value) }
            let ours = Array(request.bytes.dropLast(4))
            #expect(try Request.parse(ours) == Request.parse(exchange.request), "\(exchange)")
        }
    }
}
