import LockCore
import Testing

/// Changing the mode of a lock that is held.
@Suite struct ResourceMachineConversionTests {
    @Test(arguments: [LockMode.shared, .exclusive])
    func `a client's lock converts at once`(_ mode: LockMode) {
        let other: LockMode = mode == .shared ? .exclusive : .shared
        var lv = ResourceBench.held(ResourceBench.volume, mode, by: "A")
        #expect(lv.lock("A", other) == ["ask lv1 convert \(other.word)"])
        #expect(lv.state == "\(mode.word) held by A; converting to \(other.word)")
        #expect(lv.granted() == ["A: granted, unchanged"])
        #expect(lv.state == "\(other.word) held by A")
    }

    @Test func `a conversion to exclusive brings a new token`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A")
        lv.lock("A", .exclusive)
        #expect(lv.granted(token: 9) == ["A: granted, unchanged, token 9"])
    }

    @Test func `a persistent lock converts for whoever asks`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.lock("B", .shared, persistent: true) == ["ask lv1 convert sh"])
        lv.granted()
        #expect(lv.state == "sh held by nobody (persistent)")
    }

    @Test func `exclusive is refused while other clients share the hold`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A", "B")
        #expect(lv.lock("A", .exclusive) == ["A: contended"])
        #expect(lv.state == "sh held by A, B")
    }

    @Test func `another host in the way refuses a conversion and nothing changes`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A")
        lv.lock("A", .exclusive, waiting: .forever)
        #expect(lv.contended(owner: 2) == ["A: contended by host 2"])
        #expect(lv.state == "sh held by A")
    }

    @Test func `a conversion does not wait behind the queue`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("B", .exclusive)
        #expect(vg.lock("A", .exclusive) == ["ask vg convert ex"])
        #expect(vg.granted() == ["A: granted, unchanged"])
        #expect(vg.state == "ex held by A; waiting: B ex")
    }

    @Test(arguments: [LockManagerError.Hold.unknown, .unchanged])
    func `what a failed conversion was to publish comes with the release`(
        _ hold: LockManagerError.Hold
    ) {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.update("A", version: 7)
        #expect(vg.lock("A", .shared) == ["ask vg convert sh writing 7"])
        vg.failed(hold: hold)
        #expect(vg.unlock("A") == ["ask vg release writing 7"])
    }

    @Test func `shared requests join a hold that was converted down`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .shared)
        vg.lock("A", .shared)
        #expect(vg.granted() == ["A: granted, unchanged", "B: granted"])
    }

    @Test(arguments: [LockMode.shared, .exclusive])
    func `an unclear conversion keeps the weaker mode`(_ mode: LockMode) {
        let other: LockMode = mode == .shared ? .exclusive : .shared
        var lv = ResourceBench.held(ResourceBench.volume, mode, by: "A", persistent: true)
        lv.lock("A", other, persistent: true)
        #expect(lv.failed(hold: .unknown) == ["A: storageFailed"])
        #expect(lv.state == "sh held by nobody (persistent)")
    }

    @Test func `a failed conversion that changed nothing leaves the lock as it was`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.lock("A", .shared)
        #expect(lv.failed(hold: .unchanged) == ["A: storageFailed"])
        #expect(lv.state == "ex held by A")
    }

    @Test func `what waits is looked at anew after a conversion`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A", persistent: true)
        lv.lock("B", .exclusive, persistent: true)
        #expect(lv.lock("C", .exclusive, persistent: true) == [])
        #expect(lv.lock("D", .shared, persistent: true) == [])
        #expect(lv.lock("E", .shared) == [])
        // lvmlockd, too, gives the answers first and converts after.
        #expect(
            lv.granted() == [
                "B: granted, unchanged", "C: alreadyHeld", "E: done", "ask lv1 convert sh",
            ])
        #expect(lv.granted() == ["D: granted, unchanged"])
    }

    @Test func `every persistent request that waits is answered when a persistent lock comes`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A", "B")
        lv.lock("C", .exclusive, persistent: true)
        lv.lock("D", .exclusive, persistent: true)
        // B still shares the hold, so neither can have it exclusive.
        #expect(
            lv.lock("A", .shared, persistent: true)
                == ["A: done", "C: contended", "D: contended"])
    }

    @Test func `a client's own request that came during its conversion is answered`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("A", .exclusive)
        vg.lock("A", .exclusive)
        #expect(vg.granted() == ["A: granted, unchanged", "A: alreadyHeld"])
    }

    @Test func `an unlock during a conversion follows it`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A")
        lv.lock("A", .exclusive)
        #expect(lv.unlock("A") == [])
        #expect(lv.granted() == ["A: granted, unchanged", "ask lv1 release"])
        #expect(lv.done() == ["A: done", "ask lv1 forget"])
    }
}
