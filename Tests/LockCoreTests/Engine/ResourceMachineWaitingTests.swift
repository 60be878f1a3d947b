import LockCore
import Testing

/// The queue of this host's clients, and how requests leave it.
@Suite struct ResourceMachineWaitingTests {
    @Test func `requests are granted in the order in which they came`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive)
        vg.lock("C", .exclusive)
        #expect(vg.unlock("A") == ["ask vg release"])
        #expect(vg.done() == ["A: done", "ask vg acquire ex"])
        #expect(vg.granted() == ["B: granted"])
        #expect(vg.state == "ex held by B; waiting: C ex")
    }

    @Test func `an exclusive request at the head holds back shared ones`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(vg.lock("B", .exclusive) == [])
        #expect(vg.lock("C", .shared) == [])
        #expect(vg.state == "sh held by A; waiting: B ex, C sh")
        vg.unlock("A")
        vg.done()
        #expect(vg.granted() == ["B: granted"])
    }

    @Test func `shared requests behind an exclusive one go on when it leaves`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("B", .exclusive)
        vg.lock("C", .shared)
        #expect(vg.vanish("B") == ["C: granted"])
    }

    @Test func `between two holders of this host another host gets its chance`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive)
        vg.unlock("A")
        #expect(vg.done() == ["A: done", "ask vg acquire ex"])
    }

    @Test func `a request that does not queue is refused behind other clients`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(vg.lock("B", .exclusive, waiting: .no) == ["B: contended"])
        #expect(vg.lock("B", .shared, waiting: .no) == ["B: granted"])
        vg.lock("C", .exclusive)
        #expect(vg.lock("D", .shared, waiting: .no) == ["D: contended"])
    }

    @Test func `a request that does not queue waits for a release to end`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.unlock("A")
        #expect(vg.lock("B", .exclusive, waiting: .no) == [])
        #expect(vg.done() == ["A: done", "ask vg acquire ex"])
    }

    @Test func `the queue has a limit, and the reply names it`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        for _ in 0..<Limits.waitingPerResource { vg.lock("B", .exclusive) }
        #expect(vg.lock("C", .exclusive) == ["C: limitReached"])
        #expect(vg.machine.waiting.count == Limits.waitingPerResource)
    }

    // MARK: Deadlines

    @Test func `a request gives up at its deadline`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        let waiting = Waiting(deadline: .seconds(2))
        #expect(vg.lock("B", .shared, waiting: waiting) == ["wake vg at 2000 ms"])
        #expect(vg.time(.seconds(1)) == ["wake vg at 2000 ms"])
        #expect(vg.time(.seconds(2)) == ["B: timedOut"])
        #expect(vg.state == "ex held by A")
    }

    @Test func `the earliest deadline is the one to wake for`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .shared, waiting: Waiting(deadline: .seconds(3)))
        #expect(
            vg.lock("C", .shared, waiting: Waiting(deadline: .seconds(2)))
                == ["wake vg at 2000 ms"])
        #expect(vg.time(.seconds(2)) == ["C: timedOut", "wake vg at 3000 ms"])
    }

    @Test func `the one behind a request that gave up moves on`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("B", .exclusive, waiting: Waiting(deadline: .seconds(1)))
        vg.lock("C", .shared)
        #expect(vg.time(.seconds(1)) == ["B: timedOut", "C: granted"])
    }

    @Test func `a wake that came for nothing changes nothing`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        #expect(vg.time(.seconds(1)) == [])
        #expect(vg.state == "ex held by A")
    }

    // MARK: Cancelling

    @Test func `a request that waits can be withdrawn`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive)
        #expect(vg.received(.withdraw(vg.last)) == ["B: cancelled"])
        #expect(vg.received(.withdraw(vg.last)) == [])
    }

    @Test func `the grant of a withdrawn request goes back`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        #expect(vg.received(.withdraw(vg.last)) == ["A: cancelled"])
        #expect(vg.state == "free; acquiring ex for nobody")
        #expect(vg.granted() == ["ask vg release"])
        #expect(vg.done() == [])
        #expect(vg.state == "free")
    }

    @Test func `the grant of a withdrawn request serves the next that wants the same`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        let first = vg.last
        vg.lock("B", .exclusive)
        vg.received(.withdraw(first))
        #expect(vg.granted(token: 3) == ["B: granted, token 3"])
    }

    @Test func `the grant of a withdrawn request does not serve another mode`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        let first = vg.last
        vg.lock("B", .shared)
        vg.received(.withdraw(first))
        #expect(vg.granted() == ["ask vg release"])
        #expect(vg.done() == ["ask vg acquire sh"])
    }

    @Test func `what stood in the way of a withdrawn request is no answer for the next`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        let first = vg.last
        vg.lock("B", .exclusive, waiting: Waiting(otherHosts: .zero))
        vg.received(.withdraw(first))
        #expect(vg.contended() == ["ask vg acquire ex"])
        #expect(vg.contended() == ["B: contended"])
    }

    @Test func `unlock_cancel withdraws the first persistent request, whoever sent it`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.lock("B", .exclusive)
        lv.lock("C", .exclusive, persistent: true)
        lv.lock("D", .exclusive, persistent: true)
        #expect(
            lv.unlock("E", persistent: true, cancels: true) == ["C: cancelled", "E: cancelled"])
        #expect(lv.state == "ex held by A; waiting: B ex, D ex persistent")
    }

    @Test func `unlock_cancel reaches a request that is with the manager`() {
        var lv = ResourceBench(ResourceBench.volume, queues: true)
        lv.lock("A", .exclusive, persistent: true)
        #expect(
            lv.unlock("B", persistent: true, cancels: true)
                == ["A: cancelled", "cancel lv1", "B: cancelled"])
        #expect(lv.contended() == ["ask lv1 forget"])
    }

    @Test func `unlock_cancel is answered as cancelled also when nothing waits`() {
        var vg = ResourceBench()
        #expect(vg.unlock("A", cancels: true) == ["A: cancelled"])
        #expect(vg.unlock("A", persistent: true, cancels: true) == ["A: cancelled"])
    }

    @Test func `a transient unlock_cancel withdraws the client's own request only`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive)
        #expect(vg.unlock("C", cancels: true) == ["C: cancelled"])
        #expect(vg.state == "ex held by A; waiting: B ex")
        #expect(vg.unlock("B", cancels: true) == ["B: cancelled", "B: cancelled"])
    }

    @Test func `unlock_cancel unlocks what is held`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.unlock("A", persistent: true, cancels: true) == ["ask lv1 release"])
    }
}
