import Testing

/// A connection's requests are carried out one after the other, each after the reply before it.
struct OrderTests {
    @Test func `a request waits for the reply to the one before`() async throws {
        try await TestServer().run { server in
            let holder = try server.client(starting: "vg0")
            #expect(try holder.lockGroup("vg0", "ex") == "0")
            let waiter = try server.client()
            try waiter.send(
                frame("lock_vg", [("vg_name", "vg0"), ("mode", "ex")]) + frame("hello")
                    + frame("lock_vg", [("vg_name", "vg0"), ("mode", "un")]) + frame("hello"))
            // Two answers on another connection settle that the first request has arrived and
            // waits.
            for _ in 0..<2 { _ = try server.client().call("hello") }
            #expect(waiter.receive(withinSeconds: 0) == nil)
            #expect(try holder.lockGroup("vg0", "un") == "0")
            #expect(waiter.receive()?["op_result"] == "0")
            #expect(waiter.receive()?["protocol"] == "lvmlockd")
            #expect(waiter.receive()?["op_result"] == "0")
            #expect(waiter.receive()?["protocol"] == "lvmlockd")
        }
    }

    @Test func `more requests than are kept ahead are all carried out`() async throws {
        try await TestServer().run { server in
            let holder = try server.client(starting: "vg0")
            #expect(try holder.lockGroup("vg0", "ex") == "0")
            let waiter = try server.client()
            let count = 1000
            try waiter.send(
                frame("lock_vg", [("vg_name", "vg0"), ("mode", "ex")])
                    + String(repeating: frame("hello"), count: count))
            #expect(try holder.lockGroup("vg0", "un") == "0")
            #expect(waiter.receive()?["op_result"] == "0")
            for _ in 0..<count { #expect(waiter.receive()?["protocol"] == "lvmlockd") }
        }
    }

    @Test func `a client that closes while it waits is in nobody's way`() async throws {
        try await TestServer().run { server in
            let holder = try server.client(starting: "vg0")
            #expect(try holder.lockGroup("vg0", "sh") == "0")
            var waiter: RawClient? = try server.client()
            try waiter?.send(frame("lock_vg", [("vg_name", "vg0"), ("mode", "ex")]))
            waiter = nil
            // The exclusive request at the head would hold back this one.
            #expect(try server.client().lockGroup("vg0", "sh") == "0")
        }
    }

    @Test func `a client that closes lets go of its locks`() async throws {
        try await TestServer().run { server in
            var holder: RawClient? = try server.client(starting: "vg0")
            #expect(try holder?.lockGroup("vg0", "ex") == "0")
            holder = nil
            #expect(try server.client().lockGroup("vg0", "ex") == "0")
        }
    }

    @Test func `a malformed request behind a waiting one is answered in its turn`() async throws {
        try await TestServer().run { server in
            let holder = try server.client(starting: "vg0")
            #expect(try holder.lockGroup("vg0", "ex") == "0")
            let waiter = try server.client()
            try waiter.send(
                frame("lock_vg", [("vg_name", "vg0"), ("mode", "sh")]) + frame("nonsense"))
            #expect(try holder.lockGroup("vg0", "un") == "0")
            #expect(waiter.receive()?["op_result"] == "0")
            #expect(waiter.receive()?.isFailed == true)
        }
    }
}
