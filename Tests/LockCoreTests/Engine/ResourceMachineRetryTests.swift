import LockCore
import Testing

/// Another host is in the way: how long to ask again, and how to wait in a manager's queue.
@Suite struct ResourceMachineRetryTests {
    /// The pause after the first conflict, for the salt of ``ResourceBench``.
    let pause = RetryPolicy.pause(afterAttempts: 1, salt: 0)

    // MARK: Managers without a queue

    @Test func `a conflict is tried again after a pause`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        #expect(vg.contended() == ["wake vg at \(self.pause.words)"])
        #expect(vg.state == "free; waiting: A ex")
        #expect(vg.time(self.pause) == ["ask vg acquire ex"])
        #expect(vg.granted() == ["A: granted"])
    }

    @Test func `nothing is asked before the pause is over`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.contended()
        #expect(vg.lock("B", .exclusive) == [])
        #expect(vg.time(.milliseconds(1)) == ["wake vg at \(self.pause.words)"])
    }

    @Test func `pauses grow until the last attempt, which comes when patience ends`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive, waiting: .retries(4))
        var attempts = 1
        var effects = vg.contended()
        while effects != ["A: contended"], attempts < 100 {
            #expect(vg.time(vg.wish) == ["ask vg acquire ex"])
            attempts += 1
            effects = vg.contended()
        }
        #expect(vg.now == .seconds(5))
        #expect((6...12).contains(attempts), "\(attempts) attempts")
        #expect(vg.state == "free")
    }

    @Test func `patience begins with the first conflict`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .exclusive, waiting: .retries(0))
        vg.now = .seconds(60)
        vg.unlock("A")
        vg.done()
        #expect(vg.contended() != ["B: contended"])
        vg.time(.seconds(61))
        #expect(vg.contended() == ["B: contended"])
    }

    @Test func `a slow last attempt is waited for in peace`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive, waiting: .retries(0))
        vg.contended()
        #expect(vg.time(.seconds(1)) == ["ask vg acquire ex"])
        #expect(vg.time(.seconds(2)) == [])
        #expect(vg.lock("B", .shared) == [])
        #expect(vg.contended(owner: 3) == ["A: contended by host 3", "ask vg acquire sh"])
    }

    @Test func `a volume's request does not wait for another host`() {
        var lv = ResourceBench(ResourceBench.volume)
        lv.lock("A", .exclusive, waiting: .passingConflicts(retries: 4))
        #expect(lv.contended(owner: 2) == ["A: contended by host 2", "ask lv1 forget"])
    }

    @Test func `a volume's request tries again after a passing conflict`() {
        var lv = ResourceBench(ResourceBench.volume)
        lv.lock("A", .shared, waiting: .passingConflicts(retries: 4))
        #expect(lv.contended(isPassing: true) == ["wake lv1 at \(self.pause.words)"])
        #expect(lv.time(self.pause) == ["ask lv1 acquire sh"])
        lv.contended(isPassing: true)
        #expect(lv.time(.seconds(6)) == ["ask lv1 acquire sh"])
        #expect(lv.contended(isPassing: true) == ["A: contended", "ask lv1 forget"])
    }

    @Test func `shared requests at the head share a conflict`() {
        var vg = ResourceBench()
        vg.lock("A", .shared, waiting: Waiting(otherHosts: .zero))
        vg.lock("B", .shared)
        vg.lock("C", .shared, waiting: Waiting(otherHosts: .zero))
        vg.lock("D", .exclusive, waiting: Waiting(otherHosts: .zero))
        #expect(
            vg.contended() == [
                "A: contended", "C: contended", "wake vg at \(self.pause.words)",
            ])
        #expect(vg.state == "free; waiting: B sh, D ex")
    }

    @Test func `an exclusive request's conflict is its own`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive, waiting: Waiting(otherHosts: .zero))
        vg.lock("B", .exclusive)
        #expect(vg.contended() == ["A: contended", "ask vg acquire ex"])
    }

    @Test func `a pause ends with the request that it was for`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.lock("B", .shared)
        vg.contended()
        #expect(vg.vanish("A") == ["ask vg acquire sh"])
    }

    @Test func `a deadline ends a pause`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive, waiting: Waiting(deadline: .milliseconds(10)))
        #expect(vg.contended() == [])
        #expect(vg.time(.milliseconds(10)) == ["A: timedOut"])
    }

    // MARK: Managers with a queue

    @Test func `a request waits in the manager's queue`() {
        var vg = ResourceBench(queues: true)
        #expect(vg.lock("A", .exclusive) == ["ask vg acquire ex waiting"])
        #expect(vg.granted() == ["A: granted"])
    }

    @Test func `requests that do not wait stay out of the manager's queue`() {
        var lv = ResourceBench(ResourceBench.volume, queues: true)
        #expect(
            lv.lock("A", .exclusive, waiting: .passingConflicts(retries: 4))
                == ["ask lv1 acquire ex"])
        var vg = ResourceBench(queues: true)
        #expect(vg.lock("A", .exclusive, waiting: .no) == ["ask vg acquire ex"])
    }

    @Test func `when patience ends, the request is called back once`() {
        var vg = ResourceBench(queues: true)
        #expect(
            vg.lock("A", .exclusive, waiting: .retries(4))
                == ["ask vg acquire ex waiting", "wake vg at 5000 ms"])
        #expect(vg.time(.seconds(5)) == ["cancel vg"])
        #expect(vg.time(.seconds(6)) == [])
        #expect(vg.lock("B", .shared) == [])
        #expect(vg.contended(owner: 2) == ["A: contended by host 2", "ask vg acquire sh waiting"])
    }

    @Test func `a grant that came before the call back counts`() {
        var vg = ResourceBench(queues: true)
        vg.lock("A", .exclusive, waiting: .retries(4))
        vg.time(.seconds(5))
        #expect(vg.granted() == ["A: granted"])
    }

    @Test func `a deadline answers at once and calls the request back`() {
        var vg = ResourceBench(queues: true)
        vg.lock("A", .exclusive, waiting: Waiting(deadline: .seconds(1)))
        #expect(vg.time(.seconds(1)) == ["A: timedOut", "cancel vg"])
        #expect(vg.contended() == [])
        #expect(vg.state == "free")
    }

    @Test func `the next request is asked for as soon as the first is called back`() {
        var vg = ResourceBench(queues: true)
        vg.lock("A", .exclusive, waiting: Waiting(deadline: .seconds(1)))
        #expect(vg.lock("B", .exclusive, waiting: .retries(0)) == [])
        vg.time(.seconds(1))
        #expect(vg.time(.seconds(3)) == [])
        #expect(vg.contended() == ["ask vg acquire ex waiting", "wake vg at 4000 ms"])
    }
}
