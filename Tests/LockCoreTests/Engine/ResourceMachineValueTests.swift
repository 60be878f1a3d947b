import LockCore
import Testing

/// Versions: announced, published with the end of an exclusive hold, read with the next grant.
@Suite struct ResourceMachineValueTests {
    @Test func `a change that a withdrawn request was shown is told to the next`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        vg.granted(.value(ValueBlock(format: 0x0101, resourceVersion: 4)))
        vg.unlock("A")
        vg.done()
        vg.lock("A", .shared)
        vg.vanish("A")
        let changed = ValueBlockReading.value(ValueBlock(format: 0x0101, resourceVersion: 5))
        #expect(vg.granted(changed) == ["ask vg release"])
        vg.done()
        vg.lock("B", .shared)
        #expect(vg.granted(changed) == ["B: granted, changed"])
        vg.unlock("B")
        vg.done()
        vg.lock("B", .shared)
        #expect(vg.granted(changed) == ["B: granted, unchanged"])
    }

    @Test func `a grant tells the version of the data`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        #expect(vg.granted(version: 5) == ["A: granted, version 5"])
    }

    @Test func `a grant that finds the version as it was says so`() {
        var vg = ResourceBench()
        for words in ["version 5", "unchanged"] {
            vg.lock("A", .shared)
            #expect(vg.granted(version: 5) == ["A: granted, \(words)"])
            vg.unlock("A")
            vg.done()
        }
    }

    @Test func `a version that cannot be trusted reads as changed`() {
        var vg = ResourceBench()
        for (version, words) in [
            (5, "version 5"), (3, "changed"), (0, "changed"), (0, "unchanged"),
        ] {
            vg.lock("A", .shared)
            #expect(vg.granted(version: UInt32(version)) == ["A: granted, \(words)"])
            vg.unlock("A")
            vg.done()
        }
    }

    @Test func `a stamp that only says changed is passed on`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        #expect(vg.granted(.changed) == ["A: granted, changed"])
    }

    @Test func `a volume group publishes the version that was announced`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.granted(version: 5)
        #expect(vg.update("A", version: 6) == ["A: done"])
        #expect(vg.unlock("A") == ["ask vg release writing 6"])
        vg.done()
        vg.lock("B", .shared)
        #expect(vg.granted(version: 6) == ["B: granted, unchanged"])
    }

    @Test func `the next version is one more than the last`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.granted(version: 5)
        vg.update("A", version: nil)
        #expect(vg.unlock("A") == ["ask vg release writing 6"])
    }

    @Test(arguments: [4, 5] as [UInt32])
    func `a version that is not new is not published`(_ version: UInt32) {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        vg.granted(version: 5)
        #expect(vg.update("A", version: version) == ["A: done"])
        #expect(vg.unlock("A") == ["ask vg release"])
    }

    @Test func `a version needs an exclusive lock of one's own`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        #expect(vg.update("A", version: 6) == ["A: invalidRequest"])
        #expect(vg.update("B", version: 6) == ["B: notHeld"])
    }

    @Test func `an announcement during a call waits for its end, but for an acquire`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("A", .exclusive)
        #expect(vg.update("A", version: 6) == [])
        #expect(vg.granted() == ["A: granted, unchanged", "A: done"])
        var other = ResourceBench()
        other.lock("A", .exclusive)
        #expect(other.update("A", version: 6) == ["A: notHeld"])
    }

    @Test func `a conversion to shared publishes, and the unlock after it does not`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.update("A", version: 6)
        #expect(vg.lock("A", .shared) == ["ask vg convert sh writing 6"])
        vg.granted()
        #expect(vg.unlock("A") == ["ask vg release"])
    }

    @Test func `a vanished client's version is published too`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.update("A", version: 6)
        #expect(vg.vanish("A") == ["ask vg release writing 6"])
    }

    @Test func `the global resource counts every exclusive hold`() {
        var gl = ResourceBench(.global)
        gl.lock("A", .exclusive)
        gl.granted(version: 8)
        #expect(gl.unlock("A") == ["ask gl release writing 9"])
        gl.done()
        gl.lock("A", .shared)
        #expect(gl.granted(version: 9) == ["A: granted, unchanged"])
        #expect(gl.unlock("A") == ["ask gl release"])
    }

    @Test func `a manager without value blocks is given none`() {
        var gl = ResourceBench(.global, keepsValueBlock: false)
        gl.lock("A", .exclusive)
        gl.granted()
        #expect(gl.unlock("A") == ["ask gl release"])
        var vg = ResourceBench(keepsValueBlock: false)
        vg.lock("A", .exclusive)
        vg.granted()
        vg.update("A", version: 6)
        #expect(vg.received(.clear(removed: true)) == ["ask vg release"])
    }

    @Test func `a volume carries no version`() {
        var lv = ResourceBench(ResourceBench.volume)
        lv.lock("A", .exclusive)
        #expect(lv.granted(version: 5) == ["A: granted, version 5"])
        #expect(lv.unlock("A") == ["ask lv1 release"])
    }

    @Test func `a removed volume group is an error, and the lock is there to be let go of`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        #expect(
            vg.granted(version: 5, flags: .removed)
                == ["A: volumeGroupRemoved, but granted, version 5"])
        #expect(vg.state == "sh held by A")
    }

    @Test func `a layout of the future is an error`() {
        var vg = ResourceBench()
        vg.lock("A", .shared)
        let block = ValueBlock(format: 0x0201, resourceVersion: 5)
        #expect(
            vg.granted(.value(block)) == ["A: valueBlockUnreadable, but granted, version 5"])
    }

    // MARK: Wanted

    @Test func `clients learn that another host wants what they hold`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A", "B")
        #expect(vg.wanted(grant: 1) == ["tell A: wanted", "tell B: wanted"])
    }

    @Test func `news of an older grant is dropped`() {
        var vg = ResourceBench.held(.volumeGroup, .exclusive, by: "A")
        vg.unlock("A")
        vg.done()
        #expect(vg.wanted(grant: 1) == [])
        vg.lock("A", .exclusive)
        #expect(vg.wanted(grant: 1) == [])
        #expect(vg.granted() == ["A: granted"])
    }

    @Test func `news that comes before the grant's answer is kept`() {
        var vg = ResourceBench()
        vg.lock("A", .exclusive)
        #expect(vg.wanted(grant: 1) == [])
        #expect(vg.granted() == ["A: granted", "tell A: wanted"])
    }

    @Test func `a conversion's grant replaces the one before`() {
        var vg = ResourceBench.held(.volumeGroup, .shared, by: "A")
        vg.lock("A", .exclusive)
        #expect(vg.wanted(grant: 2) == [])
        #expect(vg.granted() == ["A: granted, unchanged", "tell A: wanted"])
        #expect(vg.wanted(grant: 1) == [])
        #expect(vg.wanted(grant: 2) == ["tell A: wanted"])
    }
}
