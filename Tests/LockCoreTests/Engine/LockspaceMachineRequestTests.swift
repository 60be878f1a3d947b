import LockCore
import Testing

/// What a lockspace makes of requests while it serves.
@Suite struct LockspaceMachineRequestTests {
    let volume = Action.Target.lv("lv1")

    @Test(arguments: [LockMode.unlocked, .null])
    func `nobody can lock in a mode that excludes nobody`(_ mode: LockMode) {
        var space = LockspaceBench.started()
        #expect(space.lock("A", .volumeGroup, mode) == ["A: invalidRequest"])
    }

    @Test func `a request that names another kind of manager is refused`() {
        var space = LockspaceBench.started()
        let other = LockManagerKind(rawValue: "other")
        #expect(
            space.send("A", .lock(.volumeGroup, .shared, .forever), kind: other)
                == ["A: invalidRequest"])
    }

    @Test func `a volume's arguments and drives reach the manager`() {
        var space = LockspaceBench.started()
        let volume = LogicalVolume(uuid: "lv1", arguments: "1.0.0:4096", drives: ["/a", "/b"])
        #expect(
            space.lock("A", .logicalVolume(volume), .exclusive, [.persistent, .adopt, .repair])
                == [
                    "ask lv1 acquire ex adopting allowed repairing arguments 1.0.0:4096"
                        + " drives /a /b"
                ])
    }

    @Test func `resources do not wait for each other`() {
        var space = LockspaceBench.started()
        #expect(space.lock("A", .volumeGroup, .exclusive) == ["ask vg acquire ex"])
        #expect(space.lock("B", self.volume, .exclusive) == ["ask lv1 acquire ex"])
        #expect(space.granted(self.volume.name) == ["B: granted"])
        #expect(space.granted(.volumeGroup) == ["A: granted"])
    }

    @Test func `what does not exist cannot be unlocked, and is not made`() {
        var space = LockspaceBench.started()
        #expect(space.unlock("A", self.volume) == ["A: notHeld"])
        #expect(space.unlock("A", self.volume, .unlockCancel) == ["A: notHeld"])
        #expect(space.send("A", .queryLock(self.volume)) == ["A: un"])
        #expect(space.machine.resources[self.volume.name] == nil)
        #expect(space.unlock("A", .volumeGroup, .unlockCancel) == ["A: cancelled"])
    }

    @Test func `a query tells this host's mode`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .shared)
        #expect(space.send("B", .queryLock(self.volume)) == ["B: un"])
        space.granted(self.volume.name)
        #expect(space.send("B", .queryLock(self.volume)) == ["B: sh"])
    }

    @Test func `versions are announced by number or as the next`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .exclusive)
        space.granted(.volumeGroup)
        #expect(space.send("A", .update(version: 8)) == ["A: done"])
        #expect(space.unlock("A", .volumeGroup) == ["ask vg release writing 8", "became unused"])
        space.done(.volumeGroup)
        space.lock("A", .volumeGroup, .exclusive)
        space.granted(.volumeGroup)
        space.send("A", .update(version: 0), .nextVersion)
        #expect(space.unlock("A", .volumeGroup) == ["ask vg release writing 9", "became unused"])
    }

    @Test func `locks are counted, and the last one's end is told`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .shared)
        #expect(space.machine.lockCount == 0)
        space.granted(.volumeGroup)
        space.lock("B", .volumeGroup, .shared)
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.machine.lockCount == 3)
        #expect(space.machine.volumeLockCount == 1)
        #expect(space.unlock("A", .volumeGroup) == ["A: done"])
        #expect(space.vanish("B") == ["ask vg release"])
        #expect(
            space.unlock("A", self.volume, .persistent) == ["ask lv1 release", "became unused"])
        #expect(space.machine.lockCount == 0)
        #expect(space.machine.volumeLockCount == 0)
    }

    @Test func `a volume that nobody uses is not remembered`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive)
        space.granted(self.volume.name)
        space.unlock("A", self.volume)
        space.done(self.volume.name)
        space.done(self.volume.name)
        #expect(space.machine.resources.values.map(\.name) == [.volumeGroup])
    }

    @Test func `work does not grow with the locks held`() {
        func steps(held: Int) -> UInt64 {
            var space = LockspaceBench.started()
            for number in 0..<held {
                space.lock("B", .lv("u\(number)"), .exclusive)
                space.granted(.logicalVolume("u\(number)"))
            }
            let before = space.machine.steps
            space.lock("A", self.volume, .exclusive)
            space.granted(self.volume.name)
            space.vanish("A")
            space.done(self.volume.name)
            return space.machine.steps - before
        }
        #expect(steps(held: 1000) == steps(held: 0))
    }

    // MARK: Clients

    @Test func `a client that vanishes loses its locks and requests everywhere`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .exclusive)
        space.granted(.volumeGroup)
        space.lock("A", .lv("u1"), .exclusive)
        space.granted(.logicalVolume("u1"))
        space.lock("A", .lv("u2"), .exclusive, .persistent)
        space.granted(.logicalVolume("u2"))
        space.lock("B", .lv("u3"), .exclusive)
        space.granted(.logicalVolume("u3"))
        space.lock("A", .lv("u3"), .exclusive)
        #expect(space.vanish("A") == ["ask vg release", "ask u1 release"])
        #expect(space.state(.logicalVolume("u2")) == "ex held by nobody (persistent)")
        #expect(space.state(.logicalVolume("u3")) == "ex held by B")
        #expect(space.vanish("A") == [])
    }

    @Test func `a sharer that the manager's answer served vanishes with its lock`() {
        var space = LockspaceBench.started()
        for client in ["A", "B", "C"] { space.lock(client, self.volume, .shared) }
        space.granted(self.volume.name)
        #expect(space.vanish("B") == [])
        #expect(space.vanish("C") == [])
        #expect(space.vanish("A") == ["ask lv1 release", "became unused"])
    }

    @Test func `a client that vanishes during its conversion loses the lock after it`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .shared)
        space.granted(self.volume.name)
        space.lock("A", self.volume, .exclusive)
        #expect(space.vanish("A") == [])
        #expect(
            space.granted(self.volume.name)
                == ["A: granted, unchanged", "ask lv1 release", "became unused"])
    }

    @Test func `a grant whose reply was lost is taken back`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.vanish("A") == [])
        #expect(
            space.replyLost("A", self.volume.name) == ["ask lv1 release", "became unused"])
        #expect(space.replyLost("A", .logicalVolume("lv9")) == [])
    }

    // MARK: Management

    @Test func `busy asks the manager for other hosts`() {
        var space = LockspaceBench.started()
        for (answer, words) in [
            (OtherHosts.none, "A: done"), (.count(2), "A: lockspaceBusy"),
            (.unknown, "A: lockspaceBusy, hostsUnknown"),
        ] {
            #expect(space.send("A", .busy) == ["ask otherHosts"])
            #expect(space.hosts(.success(answer)) == [words])
        }
        space.send("A", .busy)
        let error = LockManagerError(.managerUnavailable, doing: "list hosts")
        #expect(space.hosts(.failure(error)) == ["A: managerUnavailable"])
    }

    @Test(arguments: [
        (Action.Operation.freeVolumeGroup, LeaveReason.removed), (.renameBefore, .renamed),
        (
            .changeArgumentsBefore(VolumeGroupRequest(volumeGroup: "vg0")), .argumentsChange
        ),
    ])
    func `a volume group is left for good only when no other host uses it`(
        _ operation: Action.Operation, _ reason: LeaveReason
    ) {
        var space = LockspaceBench.started()
        space.send("A", operation)
        #expect(space.hosts(.success(.count(1))) == ["A: lockspaceBusy"])
        space.send("A", operation)
        #expect(space.hosts(.success(.none)) == ["became stopping", "ask leave \(reason)"])
        #expect(space.left(.lockspaceBusy) == ["became stopped: \(reason)", "A: done"])
    }

    @Test func `a removed volume group's lock is marked`() {
        var space = LockspaceBench.started()
        space.lock("A", .volumeGroup, .exclusive)
        space.granted(.volumeGroup)
        space.send("A", .freeVolumeGroup)
        #expect(
            space.hosts(.success(.none))
                == ["became stopping", "ask vg release writing 0 removed", "became unused"])
    }

    @Test func `questions end with a stop, and their answers come too late`() {
        var space = LockspaceBench.started()
        space.send("A", .busy)
        space.send("B", .freeVolumeGroup)
        #expect(
            space.send("C", .stop) == [
                "became stopping", "A: lockspaceNotFound", "B: lockspaceNotFound",
                "ask leave stopped",
            ])
        #expect(space.hosts(.success(.none)) == [])
        #expect(space.hosts(.success(.none)) == [])
    }

    @Test func `lock arguments do not change under locked volumes`() {
        var space = LockspaceBench.started()
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        let change = Action.Operation.changeArgumentsBefore(
            VolumeGroupRequest(volumeGroup: "vg0"))
        #expect(space.send("B", change) == ["B: locksHeld"])
    }

    @Test func `a volume's lease is freed unless its lock is held`() {
        var space = LockspaceBench.started(leases: true)
        let free = Action.Operation.freeLogicalVolume(
            LogicalVolume(uuid: "lv1", arguments: "1.0.0:4096"))
        #expect(space.send("A", free) == ["ask lv1 free lease 1.0.0:4096"])
        #expect(space.done(self.volume.name) == ["A: done"])
        #expect(space.machine.resources[self.volume.name] == nil)
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.send("B", free) == ["B: lockspaceBusy"])
    }

    @Test func `without leases there is nothing to free or find, but a held lock stays`() {
        var space = LockspaceBench.started()
        let free = Action.Operation.freeLogicalVolume(LogicalVolume(uuid: "lv1"))
        #expect(space.send("A", free) == ["A: done"])
        #expect(space.send("A", .findFreeLease(volumeBytes: 1)) == ["A: done"])
        space.lock("A", self.volume, .exclusive, .persistent)
        space.granted(self.volume.name)
        #expect(space.send("B", free) == ["B: lockspaceBusy"])
    }

    @Test func `a free lease is found by the manager`() {
        var space = LockspaceBench.started(leases: true)
        #expect(
            space.send("A", .findFreeLease(volumeBytes: 4096)) == ["ask findFreeLease 4096"])
        #expect(space.leaseFound(.leaseBeyondStorage) == ["A: leaseBeyondStorage"])
    }

    @Test func `the global lock is switched where volume groups carry it`() {
        var space = LockspaceBench.started(leases: true)
        #expect(space.send("A", .enableGlobalLock) == ["ask gl enable"])
        #expect(space.done(.global) == ["global lock enabled", "A: done"])
        #expect(
            space.send("A", .disableGlobalLock, .exclusively) == ["ask gl disable exclusively"])
        #expect(space.done(.global) == ["global lock disabled", "A: done"])
        #expect(space.machine.resources[.global] == nil)
        var other = LockspaceBench.started()
        #expect(other.send("A", .enableGlobalLock) == ["A: invalidRequest"])
    }

    @Test func `a simulated remote holder is passed on`() {
        var space = LockspaceBench.started()
        #expect(
            space.send("A", .simulateRemoteLock(uuid: "lv1", .exclusive))
                == ["ask lv1 simulate ex"])
        #expect(space.done(self.volume.name) == ["A: done"])
    }

    @Test func `what is no lockspace's business is refused`() {
        var space = LockspaceBench.started()
        #expect(space.send("A", .stopAll) == ["A: invalidRequest"])
        #expect(space.send("A", .quit) == ["A: invalidRequest"])
    }
}
