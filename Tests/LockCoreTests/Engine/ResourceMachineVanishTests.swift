import LockCore
import Testing

/// Clients that go away, at every point of a request's life.
@Suite struct ResourceMachineVanishTests {
    @Test func `a client's transient lock goes with it`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        #expect(vg.vanish("A") == ["ask vg release"])
        #expect(vg.done() == [])
        #expect(vg.state == "free")
    }

    @Test func `one of several sharers goes without a call`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A", "B")
        #expect(vg.vanish("A") == [])
        #expect(vg.state == "sh held by B")
    }

    @Test func `a client that waits loses its place at once`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive)
        vg.lock("C", .exclusive)
        #expect(vg.vanish("B") == [])
        #expect(vg.state == "ex held by A; waiting: C ex")
    }

    @Test func `a request that is with the manager is let go of when granted`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        #expect(vg.vanish("A") == [])
        #expect(vg.granted() == ["ask vg release"])
        #expect(vg.done() == [])
        #expect(vg.state == "free")
    }

    @Test func `a request in the manager's queue is called back`() {
        var vg = ResourceBench(queues: true)
        vg.lock("A", .exclusive)
        #expect(vg.vanish("A") == ["cancel vg"])
        #expect(vg.contended() == [])
        #expect(vg.state == "free")
    }

    @Test func `the next in the queue gets the grant of one that vanished`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        vg.lock("B", .shared)
        vg.lock("C", .shared)
        vg.vanish("A")
        #expect(vg.granted(token: 2) == ["B: granted, token 2", "C: granted"])
    }

    @Test func `an unclear grant of one that vanished is released`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.vanish("A")
        #expect(vg.failed(hold: .unknown) == ["ask vg release"])
    }

    @Test func `a client that vanishes during its conversion loses the result`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("A", .exclusive)
        #expect(vg.vanish("A") == [])
        #expect(vg.granted() == ["A: granted, unchanged", "ask vg release"])
    }

    @Test func `a client that vanishes during its unlock changes nothing`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.unlock("A")
        #expect(vg.vanish("A") == [])
        #expect(vg.done() == ["A: done"])
        #expect(vg.state == "free")
    }

    @Test func `a client that vanishes has several requests withdrawn`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .shared)
        vg.lock("B", .exclusive)
        vg.lock("A", .exclusive, persistent: true)
        #expect(vg.vanish("B") == [])
        #expect(vg.state == "ex held by nobody (persistent)")
    }

    // MARK: After the grant, before the reply

    @Test func `a volume's lock goes if its grant never reached the client`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.replyLost("A") == ["ask lv1 release"])
        #expect(lv.done() == ["ask lv1 forget"])
    }

    @Test func `a volume's transient lock goes too, whatever comes first`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        #expect(lv.replyLost("A") == ["ask lv1 release"])
        #expect(lv.vanish("A") == [])
        lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        #expect(lv.vanish("A") == ["ask lv1 release"])
        #expect(lv.replyLost("A") == [])
        #expect(lv.done() == ["ask lv1 forget"])
    }

    @Test func `a volume's lock stays if another client has used it since`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.lock("B", .exclusive, persistent: true) == ["B: alreadyHeld"])
        #expect(lv.replyLost("A") == [])
        #expect(lv.state == "ex held by nobody (persistent)")
    }

    @Test func `a volume's lock stays if the lost reply did not grant it`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        lv.lock("B", .exclusive, persistent: true)
        #expect(lv.replyLost("B") == [], "the volume is active since A")
        lv.lock("B", .shared)
        #expect(lv.replyLost("B") == [], "covered, not granted")
        lv.lock("B", .shared, persistent: true)
        lv.granted()
        #expect(lv.replyLost("B") == [], "converted, not granted")
        #expect(lv.state == "sh held by nobody (persistent)")
    }

    @Test func `a lost reply concerns no lock but a volume's`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        #expect(vg.replyLost("A") == [])
        #expect(vg.state == "ex held by A")
    }
}
