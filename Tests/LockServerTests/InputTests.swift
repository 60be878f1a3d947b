import LockCore
import Testing

/// Any bytes get an error reply or a closed connection; nobody else notices.
struct InputTests {
    static let malformed: [String] = [
        "request = \"nonsense\"\n\n##\n",
        "request = \"lock_vg\"\nmode = \"ex\"\n\n##\n",
        frame("lock_vg", [("vg_name", String(repeating: "x", count: 200)), ("mode", "ex")]),
        "request = \"vg_update\"\nvg_name = \"vg0\"\nversion = \"many\"\n\n##\n",
        "request = \"vg_update\"\nvg_name = \"vg0\"\nversion = 99999999999999999999\n\n##\n",
        "request = \"lock_vg\nvg_name = \"vg0\"\n\n##\n",
        "no_request = 1\n\n##\n",
        "]]]] {{{{\n##\n",
        "\n##\n",
        "request\n##\n",
        "request = \"hello\" \u{1} \u{7F} ü\n##\n",
    ]

    @Test(arguments: malformed)
    func `a malformed request is answered and the connection stays usable`(
        _ bytes: String
    ) async throws {
        try await TestServer().run { server in
            let client = try server.client()
            try client.send(bytes)
            let reply = client.receive()
            #expect(reply?.isFailed == true, "\(bytes): \(reply as Any)")
            #expect(try client.call("hello")["response"] == "OK")
        }
    }

    @Test func `bytes that are no text are answered or end the connection`() async throws {
        try await TestServer().run { server in
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<50 {
                let client = try server.client()
                let count = Int.random(in: 1...2000, using: &generator)
                var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                bytes += Array("\n##\n".utf8)
                try client.send(bytes)
                #expect(client.receive()?.isFailed ?? true, "\(bytes)")
            }
            #expect(try server.client().call("hello")["response"] == "OK")
        }
    }

    @Test func `a request past the limit is refused with the limit`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            let lines = String(repeating: "key = \"value\"\n", count: 1000)
            var sent = 0
            while sent <= Limits.requestBytes {
                // The server may close before all is sent.
                guard (try? client.send(lines)) != nil else { break }
                sent += lines.utf8.count
            }
            let reply = client.receive()
            #expect(reply?.isFailed == true)
            #expect(reply?["reason"]?.contains("\(Limits.requestBytes)") == true)
            #expect(client.isClosed())
        }
    }

    @Test func `an endless request ends the connection`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            let flood = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
            var sent = 0
            while sent < 64 << 20, case let count = client.sendWithoutWaiting(flood) {
                if count < 0, client.isClosed(withinSeconds: 1) || client.receive() != nil { break }
                sent += max(0, count)
            }
            #expect(sent < 64 << 20)
            #expect(try server.client().call("hello")["response"] == "OK")
        }
    }

    @Test func `a request without an end is refused soon`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            try client.send("request = \"hello\"\n")
            // A second by the protocol; the margin is for a busy machine.
            let reply = client.receive(withinSeconds: 10)
            #expect(reply?.isFailed == true)
            #expect(client.isClosed())
        }
    }

    @Test func `a request may come in pieces`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            for byte in Array(frame("hello").utf8) { try client.send([byte]) }
            #expect(client.receive()?["protocol"] == "lvmlockd")
            #expect(try client.call("hello")["response"] == "OK")
        }
    }

    @Test func `every frame of one write is answered`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            let count = 3 * Limits.requestsAheadPerClient
            try client.send(String(repeating: frame("hello"), count: count))
            for _ in 0..<count { #expect(client.receive()?["protocol"] == "lvmlockd") }
        }
    }

    @Test func `a client that never reads is closed in the end`() async throws {
        try await TestServer().run { server in
            let client = try server.client()
            let requests = Array(String(repeating: frame("hello"), count: 100).utf8)
            // Its replies fill the socket, then the server's buffer; then it has to go.
            var isGone = false
            while !isGone, client.hasRoom() {
                isGone = client.sendWithoutWaiting(requests) < 0 && errnoSaysGone()
            }
            #expect(isGone)
            #expect(try server.client().call("hello")["response"] == "OK")
        }
    }

    @Test func `a thousand connects at once are all taken`() async throws {
        try await TestServer().run { server in
            let clients = try (0..<1000).map { _ in try server.client() }
            for client in clients { try client.send(frame("hello")) }
            for client in clients { #expect(client.receive()?["protocol"] == "lvmlockd") }
        }
    }

    @Test func `one client too many is told so`() async throws {
        try await TestServer(mostClients: 3).run { server in
            let clients = try (0..<3).map { _ in try server.client() }
            for client in clients { _ = try client.call("hello") }
            let extra = try server.client()
            let reply = extra.receive()
            #expect(reply?.isFailed == true)
            #expect(reply?["reason"]?.contains("3") == true)
            #expect(extra.isClosed())
            #expect(try clients[0].call("hello")["response"] == "OK")
        }
    }

    @Test func `an honest client is served beside the others`() async throws {
        try await TestServer().run { server in
            let honest = try server.client(starting: "vg0")
            let silent = try server.client()
            let unfinished = try server.client()
            try unfinished.send("request = ")
            let deaf = try server.client()
            let requests = Array(String(repeating: frame("hello"), count: 100).utf8)
            for round in 0..<100 {
                _ = deaf.sendWithoutWaiting(requests)
                try server.client().send("nothing that makes sense \(round)")
                #expect(try honest.lockGroup("vg0", "ex") == "0")
                #expect(try honest.lockGroup("vg0", "un") == "0")
            }
            #expect(try silent.call("hello")["response"] == "OK")
        }
    }
}
