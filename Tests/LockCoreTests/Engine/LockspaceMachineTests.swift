import LockCore
import Testing

/// The life of a lockspace, and which requests it takes when.
@Suite struct LockspaceMachineTests {
    let volume = Action.Target.lv("lv1")

    // MARK: Start

    @Test func `a start is answered after the quick checks`() {
        var space = LockspaceBench()
        #expect(space.start("A") == ["ask prepare"])
        #expect(space.prepared() == ["became prepared", "A: done", "ask join"])
        #expect(space.joined() == ["became started"])
        #expect(space.machine.state == .started)
    }

    @Test func `a start that waits is answered after the join`() {
        var space = LockspaceBench()
        space.start("A", waits: true)
        #expect(space.prepared() == ["became prepared", "ask join"])
        #expect(space.joined() == ["became started", "A: done"])
    }

    @Test func `a start tells the generation of the previous membership`() {
        var space = LockspaceBench()
        space.start("A")
        #expect(
            space.prepared(generation: 3, carriesGlobalLock: true) == [
                "became prepared with the global lock", "A: done, generation was 3", "ask join",
            ])
    }

    @Test func `a start that fails its checks says why`() {
        var space = LockspaceBench()
        space.start("A")
        #expect(
            space.prepareFailed(.badArguments)
                == ["A: badArguments", "became failed: badArguments"])
        #expect(space.machine.isOver)
    }

    @Test func `a join that fails is told to one who waits`() {
        var space = LockspaceBench()
        space.start("A", waits: true)
        space.prepared()
        #expect(
            space.joinFailed(.badHostID) == ["A: badHostID", "became failed: badHostID"])
        #expect(space.lock("B", .volumeGroup, .shared) == ["B: lockspaceNotFound"])
    }

    @Test func `requests during the start are refused, or kept if they wait for it`() {
        var space = LockspaceBench()
        space.start(nil)
        #expect(space.lock("A", .global, .shared) == ["A: lockspaceStarting"])
        #expect(space.lock("B", .global, .shared, waitsForStart: true) == [])
        space.prepared()
        #expect(space.lock("C", .global, .shared, waitsForStart: true) == [])
        #expect(space.joined() == ["became started", "ask gl acquire sh"])
        #expect(space.granted(.global) == ["B: granted", "C: granted"])
    }

    @Test func `early requests end with a start that fails`() {
        var space = LockspaceBench()
        space.start(nil)
        space.lock("A", .global, .shared, waitsForStart: true)
        #expect(
            space.prepareFailed(.managerUnavailable)
                == ["A: lockspaceNotFound", "became failed: managerUnavailable"])
    }

    @Test func `early requests can be withdrawn, and vanish with their client`() {
        var space = LockspaceBench()
        space.start(nil)
        space.lock("A", .global, .shared, waitsForStart: true)
        #expect(space.withdraw("A", .global) == ["A: cancelled"])
        space.lock("B", .global, .shared, waitsForStart: true)
        #expect(space.vanish("B") == [])
        space.prepared()
        #expect(space.joined() == ["became started"])
    }

    // MARK: Stop

    @Test func `a stop releases, forgets, leaves, and is answered at the end`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .exclusive)
        space.granted(.volumeGroup)
        #expect(
            space.send("A", .stop) == ["became stopping", "ask vg release", "became unused"])
        #expect(space.done(.volumeGroup) == ["ask vg forget"])
        #expect(space.done(.volumeGroup) == ["ask leave stopped"])
        #expect(space.left() == ["became stopped: stopped", "A: done"])
        #expect(space.machine.state == .stopped)
        #expect(space.lock("A", .volumeGroup, .shared) == ["A: lockspaceNotFound"])
    }

    @Test func `a stop with nothing held leaves at once`() {
        var space = LockspaceBench.started()
        #expect(space.send("A", .stop) == ["became stopping", "ask leave stopped"])
    }

    @Test func `a stop is refused while volumes are locked, unless forced`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.send("A", .stop) == ["A: lockspaceBusy"])
        #expect(
            space.send("A", .stop, .force)
                == ["became stopping", "ask lv1 release", "became unused"])
        space.done(self.volume.name)
        #expect(space.done(self.volume.name) == ["ask leave stopped"])
    }

    @Test func `nothing is taken while the lockspace stops`() {
        var space = LockspaceBench.started()
        space.send("A", .stop)
        for operation in [
            Action.Operation.lock(.volumeGroup, .shared, .forever), .unlock(self.volume), .stop,
            .kill, .drop, .busy, .queryLock(self.volume),
        ] {
            #expect(space.send("B", operation) == ["B: lockspaceStopping"])
        }
    }

    @Test func `a stop during the join takes effect after it`() {
        var space = LockspaceBench()
        space.start("A")
        space.prepared()
        #expect(space.lock("B", .global, .shared, waitsForStart: true) == [])
        #expect(space.stop(.stopped, answering: "C") == ["became stopping"])
        #expect(
            space.joined() == ["became started", "B: lockspaceStopping", "ask leave stopped"])
        #expect(space.left() == ["became stopped: stopped", "C: done"])
    }

    @Test func `a stop during a join that fails has what it wants`() {
        var space = LockspaceBench()
        space.start(nil)
        space.prepared()
        space.stop(.stopped, answering: "A")
        #expect(space.joinFailed(.badHostID) == ["A: done", "became failed: badHostID"])
    }

    @Test func `requests that wait are cancelled by a stop`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .exclusive)
        space.lock("B", .volumeGroup, .shared)
        #expect(
            space.send("C", .stop) == ["became stopping", "A: cancelled", "B: cancelled"])
        #expect(space.granted(.volumeGroup) == ["ask vg release"])
        space.done(.volumeGroup)
        #expect(space.done(.volumeGroup) == ["ask leave stopped"])
    }

    @Test func `a lockspace that the manager cannot leave goes on`() {
        var space = LockspaceBench.started()
        space.send("A", .stop)
        #expect(space.left(.lockspaceBusy) == ["became started", "A: lockspaceBusy"])
        #expect(space.lock("B", .volumeGroup, .shared) == ["ask vg acquire sh"])
        space.granted(.volumeGroup)
        #expect(space.send("A", .stop).first == "became stopping")
    }

    @Test func `another failure to leave counts as left`() {
        var space = LockspaceBench.started()
        space.send("A", .stop)
        #expect(space.left(.managerUnavailable) == ["became stopped: stopped", "A: done"])
    }

    @Test func `resources are let go of in the order in which they came`() {
        var space = LockspaceBench.started()
        let volumes = (1...20).map { "u\($0)" }
        for volume in volumes {
            space.lock("A", .lv(volume), .exclusive)
            space.granted(.logicalVolume(volume))
        }
        #expect(space.vanish("A") == volumes.map { "ask \($0) release" } + ["became unused"])
    }

    @Test func `stopping twice is a fault of the program`() async {
        await #expect(processExitsWith: .failure) {
            var space = LockspaceBench.started()
            space.stop(.stopped)
            space.stop(.dropped)
        }
    }

    @Test func `answers that were not asked for are faults of the program`() async {
        await #expect(processExitsWith: .failure) {
            var space = LockspaceBench.started()
            space.prepared()
        }
        await #expect(processExitsWith: .failure) {
            var space = LockspaceBench.started()
            space.joined()
        }
        await #expect(processExitsWith: .failure) {
            var space = LockspaceBench.started()
            space.left()
        }
    }

    // MARK: Kill, drop, loss

    @Test func `after a kill only letting go is allowed`() {
        var space = LockspaceBench.started(leases: true)
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.send("K", .kill) == ["K: done"])
        for operation in [
            Action.Operation.lock(.volumeGroup, .shared, .forever), .update(version: 3),
            .enableGlobalLock, .disableGlobalLock, .queryLock(.volumeGroup), .renameBefore,
            .findFreeLease(volumeBytes: 1),
        ] {
            #expect(space.send("B", operation) == ["B: lockspaceKilled"])
        }
        #expect(space.unlock("B", self.volume, .persistent).first == "ask lv1 release")
        #expect(space.send("B", .busy) == ["ask otherHosts"])
        #expect(space.send("B", .kill) == ["B: done"])
    }

    @Test func `a drop lets go of volumes' locks too`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        space.send("K", .kill)
        #expect(
            space.send("K", .drop) == ["became stopping", "ask lv1 release", "became unused"])
        space.done(self.volume.name, .storageFailed)
        #expect(space.done(self.volume.name) == ["ask leave dropped"])
        #expect(space.left() == ["became stopped: dropped", "K: done"])
    }

    @Test func `a lost membership is told once to every client with a lock`() {
        var space = LockspaceBench.started()
        for (client, target) in [("B", self.volume), ("A", .volumeGroup), ("B", .global)] {
            space.lock(client, target, .exclusive)
            space.granted(target.name)
        }
        space.lock("C", .lv("lv2"), .exclusive, .persistent)
        space.granted(.logicalVolume("lv2"))
        #expect(space.membershipLost() == ["tell A: lost", "tell B: lost"])
        #expect(space.lock("D", .volumeGroup, .shared) == ["D: lockspaceKilled"])
    }

    @Test func `a grant that comes after the membership was lost goes back`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive)
        #expect(space.membershipLost() == ["A: lockspaceKilled"])
        #expect(space.granted(self.volume.name) == ["ask lv1 release"])

        // A conversion that was under way is of no use either.
        space = LockspaceBench.started()
        space.lock("A", self.volume, .shared)
        space.granted(self.volume.name)
        space.lock("A", self.volume, .exclusive)
        #expect(space.membershipLost() == ["tell A: lost"])
        #expect(space.granted(self.volume.name) == ["A: lockspaceKilled"])
    }

    @Test func `another host's wish reaches the client that can grant it`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive)
        space.granted(self.volume.name)
        #expect(space.wanted(self.volume.name, grant: 1) == ["tell A: wanted"])
        #expect(space.wanted(.logicalVolume("lv9"), grant: 1) == [])
    }
}
