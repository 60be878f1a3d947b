import LockCore
import Testing

/// Which locks exist side by side, and which one changes another.
@Suite struct ResourceMachineLockTests {
    @Test func `the first lock asks the manager, and its grant is the reply`() {
        var vg = ResourceBench()
        #expect(vg.lock("A", .exclusive) == ["ask vg acquire ex"])
        #expect(vg.state == "free; waiting: A ex; acquiring ex")
        #expect(vg.granted() == ["A: granted"])
        #expect(vg.state == "ex held by A")
    }

    @Test func `shared clients use one hold`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(vg.lock("B", .shared) == ["B: granted"])
        #expect(vg.state == "sh held by A, B")
    }

    @Test func `shared requests that came during the call share its grant`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        #expect(vg.lock("B", .shared) == [])
        #expect(vg.lock("C", .shared) == [])
        #expect(vg.granted(token: 7) == ["A: granted, token 7", "B: granted", "C: granted"])
    }

    @Test func `the hold is released with its last lock`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A", "B")
        #expect(vg.unlock("A") == ["A: done"])
        #expect(vg.unlock("B") == ["ask vg release"])
        #expect(vg.state == "sh held; releasing")
        #expect(vg.done() == ["B: done"])
        #expect(vg.state == "free")
    }

    @Test func `a release that fails counts as released`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.unlock("A")
        #expect(vg.done(.storageFailed) == ["A: done"])
        #expect(vg.state == "free")
    }

    @Test func `a client is told what it holds already`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(vg.lock("A", .shared) == ["A: alreadyHeld"])
        #expect(vg.state == "sh held by A")
    }

    @Test func `two requests of one client make one lock`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        vg.lock("A", .shared)
        #expect(vg.granted() == ["A: granted", "A: alreadyHeld"])
        #expect(vg.state == "sh held by A")
    }

    @Test func `only what is held can be unlocked`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        #expect(vg.unlock("B") == ["B: notHeld"])
        #expect(vg.unlock("A", persistent: true) == ["A: notHeld"])
        #expect(vg.state == "ex held by A")
    }

    @Test func `an unlock while the hold is being raised finds nothing`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        #expect(vg.unlock("B") == ["B: notHeld"])
    }

    @Test func `an unlock during a release is answered after it`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.unlock("A")
        #expect(vg.unlock("A") == [])
        #expect(vg.done() == ["A: done", "A: notHeld"])
    }

    @Test func `a failed acquire is the answer to the one that asked`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.lock("B", .exclusive)
        #expect(vg.failed(.ioTimedOut) == ["A: ioTimedOut", "ask vg acquire ex"])
        #expect(vg.granted() == ["B: granted"])
    }

    @Test func `an unclear hold is released before anyone asks again`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.lock("B", .shared)
        #expect(vg.failed(hold: .unknown) == ["A: storageFailed", "ask vg release"])
        #expect(vg.state == "free; waiting: B sh; releasing")
        #expect(vg.done() == ["ask vg acquire sh"])
    }

    @Test func `a disabled global lock is reported`() {
        var gl = ResourceBench(.global)
        gl.lock("A", .shared)
        #expect(
            gl.failed(.globalLockDisabled) == ["global lock disabled", "A: globalLockDisabled"])
    }

    @Test func `adoption is passed on, and what the manager finds is the answer`() {
        var lv = ResourceBench(ResourceBench.volume)
        #expect(
            lv.lock("A", .exclusive, persistent: true, adopting: .required)
                == ["ask lv1 acquire ex adopting required"])
        #expect(
            lv.answered(.outcome(.success(.noOrphan))) == ["A: noOrphan", "ask lv1 forget"])
        lv.done()
        lv.lock("A", .exclusive, adopting: .allowed)
        #expect(
            lv.answered(.outcome(.success(.orphanInOtherMode)))
                == ["A: orphanInOtherMode", "ask lv1 forget"])
    }

    // MARK: Persistent and transient

    @Test func `a persistent lock belongs to nobody and outlives its client`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.vanish("A") == [])
        #expect(lv.state == "ex held by nobody (persistent)")
        #expect(lv.unlock("B", persistent: true) == ["ask lv1 release"])
        #expect(lv.done() == ["B: done", "ask lv1 forget"])
    }

    @Test func `a persistent lock satisfies every persistent request of its mode`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.lock("B", .exclusive, persistent: true) == ["B: alreadyHeld"])
        #expect(lv.machine.locks.count == 1)
    }

    @Test(arguments: [LockMode.shared, .exclusive])
    func `a persistent exclusive lock covers transient requests without a record`(
        _ mode: LockMode
    ) {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.lock("B", mode) == ["B: done"])
        #expect(lv.state == "ex held by nobody (persistent)")
        #expect(lv.unlock("B") == ["B: notHeld"])
    }

    @Test func `a persistent shared lock covers transient shared requests only`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A", persistent: true)
        #expect(lv.lock("B", .shared) == ["B: done"])
        #expect(lv.lock("B", .exclusive) == ["B: heldInOtherMode, sharedLockExists"])
    }

    @Test func `a client's transient lock becomes persistent in the same mode`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        #expect(lv.lock("A", .exclusive, persistent: true) == ["A: done"])
        #expect(lv.state == "ex held by nobody (persistent)")
        #expect(lv.vanish("A") == [])
    }

    @Test func `a client's transient lock does not become persistent in the other mode`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A")
        #expect(lv.lock("A", .exclusive, persistent: true) == ["A: heldInOtherMode"])
        #expect(lv.state == "sh held by A")
    }

    @Test func `a persistent lock that appears decides about the requests that wait`() {
        var lv = ResourceBench(ResourceBench.volume)
        lv.lock("A", .exclusive, persistent: true)
        lv.lock("B", .exclusive, persistent: true)
        lv.lock("C", .shared)
        #expect(lv.granted() == ["A: granted", "B: alreadyHeld", "C: done"])
        #expect(lv.state == "ex held by nobody (persistent)")
    }

    @Test func `a transient lock made persistent decides about the requests that wait`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.lock("B", .exclusive, persistent: true)
        lv.lock("C", .shared)
        #expect(
            lv.lock("A", .exclusive, persistent: true)
                == ["A: done", "B: alreadyHeld", "C: done"])
    }

    @Test func `shared requests in the queue do not make two persistent locks`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A")
        lv.lock("B", .exclusive)
        lv.lock("C", .shared, persistent: true)
        lv.lock("D", .shared, persistent: true)
        #expect(lv.vanish("B") == ["C: granted", "D: alreadyHeld"])
        #expect(lv.state == "sh held by A, nobody (persistent)")
    }
}
