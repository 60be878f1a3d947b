/// Follows the version in a resource's value block from grant to grant.
///
/// The block can lie: where it lives in memory, a host that dies takes the content with it (all
/// zero from then on), and a volume group that is removed and made anew starts from a lower
/// version. The rule is lvmlockd's: a version that cannot be trusted counts as "changed, to what is
/// unknown".
package struct VersionTracker: Hashable, Sendable {
    /// The version last seen or published; 0 before the first.
    package private(set) var version: UInt32 = 0
    /// The block is known to be zero, so zero again means unchanged.
    package private(set) var zeroIsKnown = false

    package init() {}

    /// What a reading means for this host's copy of the protected data.
    package enum Verdict: Hashable, Sendable {
        /// The copy is good.
        case unchanged
        /// The copy is old; the data is at this version, 0 if unknown.
        case changed(to: UInt32)
        /// The block has a layout of the future.
        case unreadable
    }

    /// Takes in the block that came with a grant.
    package mutating func read(_ block: ValueBlock) -> Verdict {
        guard block.format >> 8 <= ValueBlock.currentFormat >> 8 else { return .unreadable }
        let seen = block.resourceVersion
        if seen == 0 {
            defer { self.zeroIsKnown = true }
            return self.zeroIsKnown ? .unchanged : .changed(to: 0)
        }
        // After a loss the same number may stand for other data: whoever wrote it first after the
        // loss could have counted from less. lvmlockd takes it for unchanged.
        if seen == self.version, !self.zeroIsKnown { return .unchanged }
        let wentBack = seen <= self.version
        self.version = seen
        self.zeroIsKnown = false
        return .changed(to: wentBack ? 0 : seen)
    }

    /// Moves on by one, to publish the result.
    package mutating func advance() {
        self.publish(self.version &+ 1)
    }

    /// Moves on to a version that is about to be published.
    package mutating func publish(_ version: UInt32) {
        self.version = version
        self.zeroIsKnown = false
    }
}
