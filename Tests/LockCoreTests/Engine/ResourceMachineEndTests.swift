import LockCore
import Testing

/// How a resource ends, and what may happen only while it is unlocked.
@Suite struct ResourceMachineEndTests {
    @Test func `a volume nobody uses is forgotten`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.unlock("A")
        #expect(lv.done() == ["A: done", "ask lv1 forget"])
        #expect(!lv.machine.isDone)
        #expect(lv.done() == [])
        #expect(lv.machine.isDone)
    }

    @Test func `a request during the forgetting is asked after it`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.unlock("A")
        lv.done()
        #expect(lv.lock("B", .shared) == [])
        #expect(lv.done() == ["ask lv1 acquire sh"])
    }

    @Test(arguments: [Resource.Name.global, .volumeGroup])
    func `the resources of every lockspace are kept for their versions`(_ name: Resource.Name) {
        var resource = ResourceBench.held(name, .shared, by: "A")
        resource.unlock("A")
        #expect(resource.done() == ["A: done"])
        #expect(!resource.machine.isDone)
    }

    @Test func `a clear releases everything, cancels what waits, and forgets`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.lock("B", .shared)
        vg.update("A", version: 7)
        #expect(
            vg.received(.clear(removed: false)) == ["B: cancelled", "ask vg release writing 7"])
        #expect(vg.lock("C", .shared) == ["C: lockspaceStopping"])
        #expect(vg.done() == ["ask vg forget"])
        #expect(vg.done() == [])
        #expect(vg.machine.isDone)
    }

    @Test func `a clear of what was never used is done at once`() {
        var vg = ResourceBench()
        #expect(vg.received(.clear(removed: false)) == [])
        #expect(vg.machine.isDone)
    }

    @Test func `a clear waits for the call under way`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.lock("B", .exclusive)
        #expect(vg.received(.clear(removed: false)) == ["A: cancelled", "B: cancelled"])
        #expect(vg.granted() == ["ask vg release"])
        vg.done()
        #expect(vg.done() == [])
        #expect(vg.machine.isDone)
    }

    @Test func `a clear calls a request back from the manager's queue`() {
        var vg = ResourceBench(queues: true)
        vg.lock("A", .exclusive)
        #expect(vg.received(.clear(removed: false)) == ["A: cancelled", "cancel vg"])
        #expect(vg.contended() == ["ask vg forget"])
    }

    @Test func `a clear after a conversion releases what came of it`() {
        var lv = ResourceBench.held(ResourceBench.volume, .shared, by: "A", persistent: true)
        lv.lock("A", .exclusive, persistent: true)
        lv.lock("B", .exclusive)
        #expect(lv.received(.clear(removed: false)) == [])
        #expect(
            lv.granted() == ["A: granted, unchanged", "B: done", "ask lv1 release"],
            "B is covered by the persistent lock at the moment of the answer")
    }

    @Test func `a removed volume group is marked in its value block`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.granted(version: 5)
        #expect(vg.received(.clear(removed: true)) == ["ask vg release writing 5 removed"])
        var gl = ResourceBench.held(.global, .exclusive, by: "A")
        #expect(gl.received(.clear(removed: true)) == ["ask gl release writing 1"])
        var shared = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(shared.received(.clear(removed: true)) == ["ask vg release"])
    }

    // MARK: Calls that need the resource unlocked

    @Test func `a lease is freed when nobody holds the volume`() {
        var lv = ResourceBench(ResourceBench.volume)
        let free = { (id: ActionID) in ResourceInput.freeLease(id, arguments: "1.0.0:4096") }
        #expect(lv.send("A", free) == ["ask lv1 free lease 1.0.0:4096"])
        #expect(lv.done() == ["A: done"])
        #expect(lv.machine.isDone)
        lv = .held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(lv.send("A", free) == ["A: lockspaceBusy"])
        #expect(lv.state == "ex held by nobody (persistent)")
    }

    @Test func `a lease is freed after the release that is under way`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A")
        lv.unlock("A")
        #expect(lv.send("A") { .freeLease($0, arguments: "x") } == [])
        #expect(lv.done() == ["A: done", "ask lv1 free lease x"])
        #expect(lv.done(.storageFailed) == ["A: storageFailed", "ask lv1 forget"])
    }

    @Test func `the global lock is enabled and disabled while nobody holds it`() {
        var gl = ResourceBench(.global)
        #expect(
            gl.send("A") { .setGlobalLock($0, enabled: true, exclusively: false) }
                == ["ask gl enable"])
        #expect(gl.done() == ["global lock enabled", "A: done"])
        gl.lock("A", .shared)
        gl.granted()
        #expect(
            gl.send("B") { .setGlobalLock($0, enabled: false, exclusively: true) }
                == ["B: invalidRequest"])
        gl.unlock("A")
        gl.done()
        #expect(
            gl.send("B") { .setGlobalLock($0, enabled: false, exclusively: true) }
                == ["ask gl disable exclusively"])
        #expect(gl.lock("C", .shared) == [])
        #expect(
            gl.done() == ["global lock disabled", "B: done", "C: cancelled", "ask gl forget"])
        #expect(gl.done() == [])
        #expect(gl.machine.isDone)
    }

    @Test func `a global lock that could not be disabled stays`() {
        var gl = ResourceBench(.global)
        _ = gl.send("A") { .setGlobalLock($0, enabled: false, exclusively: false) }
        gl.lock("B", .shared)
        #expect(gl.done(.storageFailed) == ["A: storageFailed", "ask gl acquire sh"])
    }

    @Test func `a simulated remote holder takes the persistent lock away`() {
        var lv = ResourceBench.held(ResourceBench.volume, .exclusive, by: "A", persistent: true)
        #expect(
            lv.send("B") { .simulateRemoteHolder($0, .exclusive) } == ["ask lv1 simulate ex"])
        #expect(lv.state == "free; asking")
        #expect(lv.done(.notPermitted) == ["B: notPermitted", "ask lv1 forget"])
    }

    // MARK: Preconditions

    @Test func `an answer to nothing is a fault of the program`() async {
        await #expect(processExitsWith: .failure) {
            var vg = ResourceBench()
            vg.granted()
        }
        await #expect(processExitsWith: .failure) {
            var vg = ResourceBench()
            vg.lock("A", .shared)
            vg.done()
        }
    }
}
