import LockCore
import Testing

@testable import LockServer

/// `info` and `dump`: a reply that says how much comes, then datagrams to lvmlockctl's socket.
struct InfoTests {
    @Test func `the status arrives after its reply`() async throws {
        try await TestServer().run { server in
            let receiver = try DatagramReceiver(server.dumpSocket, isAbstract: true)
            let client = try server.client(starting: "vg0")
            #expect(try client.lockGroup("vg0", "ex") == "0")
            let reply = try client.call("info", ("cmd", "lvmlockctl"))
            #expect(reply["result"] == "0")
            let length = try #require(reply["dump_len"].flatMap { Int($0) })
            let (text, _) = receiver.receive(length)
            #expect(text.count == length)
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("info=client ") && $0.hasSuffix("lvmlockctl") })
            #expect(lines.contains { $0.contains("ls_name=lvm_vg0") })
            #expect(lines.contains { $0.hasPrefix("info=r name=VGLK type=vg mode=ex") })
            #expect(lines.contains { $0.hasPrefix("info=lk mode=ex") })
            #expect(lines.last == "a note for the status")
        }
    }

    @Test func `a long log arrives in pieces, whole`() async throws {
        try await TestServer().run { server in
            let receiver = try DatagramReceiver(server.dumpSocket, isAbstract: true)
            let long = String(repeating: "x", count: 1000)
            for number in 0..<3000 { server.log.log(.debug, "\(number) \(long)") }
            let client = try server.client()
            let reply = try client.call("dump")
            #expect(reply["result"] == "0")
            let length = try #require(reply["dump_len"].flatMap { Int($0) })
            // As much as lvmlockctl can take; the oldest lines are left out, as whole lines.
            #expect(length > 1_000_000 && length < 1024 * 1024)
            let (text, datagrams) = receiver.receive(length)
            #expect(text.count == length)
            #expect(datagrams >= length / DumpSender.pieceBytes)
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            #expect(lines.contains { $0.contains(" 2999 \(long)") })
            #expect(lines.dropLast(2).allSatisfy { $0.hasSuffix(long) })
        }
    }

    @Test func `without a receiver others are served`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            for _ in 0..<20 {
                #expect(try client.call("info")["dump_len"] != nil)
                #expect(try client.call("hello")["response"] == "OK")
            }
        }
    }

    @Test func `a receiver that does not read delays nobody and is given up`() async throws {
        try await TestServer().run { server in
            let receiver = try DatagramReceiver(server.dumpSocket, isAbstract: true)
            for _ in 0..<2000 {
                server.log.log(.debug, String(repeating: "x", count: 1000))
            }
            let client = try server.client()
            for _ in 0..<DumpSender.longestQueue {
                #expect(try client.call("dump")["result"] == "0")
            }
            // One more finds the queue full.
            #expect(try client.call("dump")["result"] == "-16")
            #expect(try client.call("hello")["response"] == "OK")
            _ = receiver
        }
    }

    @Test func `every request and reply is in the log`() async throws {
        try await TestServer().run { server in
            let receiver = try DatagramReceiver(server.dumpSocket, isAbstract: true)
            let client = try server.client(starting: "vg0")
            _ = try client.call(
                "lock_vg", ("cmd", "lvs\n1 forged"), ("vg_name", "vg0"), ("mode", "sh"))
            _ = try client.call("lock_vg", ("cmd", "lvs"), ("vg_name", "vg0"), ("mode", "sh"))
            let reply = try client.call("dump")
            let (text, _) = receiver.receive(reply["dump_len"].flatMap { Int($0) } ?? 0)
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            #expect(lines.contains { $0.contains("recv lvs[") && $0.contains("lock_vg sh vg0") })
            #expect(lines.contains { $0.contains("send lvs[") && $0.contains("result -114") })
            // Every line begins with its time.
            #expect(lines.allSatisfy { $0.prefix { $0 != " " }.count == 10 })
        }
    }

    @Test func `a quit that is permitted is told to the daemon after its reply`() async throws {
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        try await TestServer(onQuit: { tell.yield() }).run { server in
            let client = try server.client(starting: "vg0")
            #expect(try client.call("quit")["result"] == "-16")
            #expect(try client.call("stop_vg", ("vg_name", "vg0"))["op_result"] == "0")
            while try client.call("quit")["result"] != "0" {}
        }
        var iterator = told.makeAsyncIterator()
        #expect(await iterator.next() != nil)
    }
}
