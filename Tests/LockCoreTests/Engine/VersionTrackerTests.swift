import LockCore
import Testing

/// What a version in a value block means, by all that may have happened to the block.
@Suite struct VersionTrackerTests {
    /// Reads versions in turn and returns the verdict on the last.
    func verdict(
        _ tracker: inout VersionTracker, _ versions: UInt32...
    ) -> VersionTracker.Verdict? {
        versions.map { version in
            tracker.read(
                ValueBlock(
                    format: version == 0 ? 0 : ValueBlock.currentFormat, resourceVersion: version))
        }.last
    }

    @Test func `the first version seen is news`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5) == .changed(to: 5))
        #expect(tracker.version == 5)
    }

    @Test func `the same version again is no news`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 5) == .unchanged)
    }

    @Test func `a higher version says to which the data changed`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 9) == .changed(to: 9))
    }

    @Test func `a block that was never written is news once`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 0) == .changed(to: 0))
        #expect(self.verdict(&tracker, 0) == .unchanged)
        #expect(tracker.zeroIsKnown)
    }

    @Test func `the first version after zero is news`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 0, 1) == .changed(to: 1))
        #expect(!tracker.zeroIsKnown)
        #expect(self.verdict(&tracker, 1) == .unchanged)
    }

    @Test func `a lost content means changed, once`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 0) == .changed(to: 0))
        #expect(tracker.version == 5, "remembered, to be compared with what comes")
        #expect(self.verdict(&tracker, 0) == .unchanged)
    }

    @Test func `a version above the one that was lost is trusted`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 0, 6) == .changed(to: 6))
    }

    @Test(arguments: [1, 4, 5] as [UInt32])
    func `a version after a loss that is not above the old one is not trusted`(_ version: UInt32) {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 0, version) == .changed(to: 0))
        #expect(tracker.version == version)
        #expect(self.verdict(&tracker, version) == .unchanged)
    }

    @Test func `a version that went backwards is not trusted, but followed`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 3) == .changed(to: 0))
        #expect(self.verdict(&tracker, 3) == .unchanged)
        #expect(self.verdict(&tracker, 4) == .changed(to: 4))
    }

    @Test func `what this host publishes is no news to it`() {
        var tracker = VersionTracker()
        tracker.advance()
        #expect(self.verdict(&tracker, 1) == .unchanged)
        tracker.publish(8)
        #expect(self.verdict(&tracker, 8) == .unchanged)
    }

    @Test func `publishing ends the state of zero`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5, 0) == .changed(to: 0))
        tracker.advance()
        #expect(!tracker.zeroIsKnown)
        #expect(self.verdict(&tracker, 6) == .unchanged)
        #expect(self.verdict(&tracker, 0) == .changed(to: 0), "lost again")
    }

    @Test func `the removed mark does not hide the version`() {
        var tracker = VersionTracker()
        let block = ValueBlock(
            format: ValueBlock.currentFormat, flags: .removed, resourceVersion: 7)
        #expect(tracker.read(block) == .changed(to: 7))
    }

    @Test func `a layout of the future is not read`() {
        var tracker = VersionTracker()
        #expect(self.verdict(&tracker, 5) == .changed(to: 5))
        #expect(tracker.read(ValueBlock(format: 0x0200, resourceVersion: 9)) == .unreadable)
        #expect(tracker.version == 5)
        let minor = ValueBlock(format: 0x01FF, resourceVersion: 9)
        #expect(tracker.read(minor) == .changed(to: 9))
    }
}
