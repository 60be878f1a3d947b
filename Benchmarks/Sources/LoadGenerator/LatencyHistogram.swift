/// Counts times in nanoseconds, in buckets whose width grows with the time: each power of two is
/// cut into 128, so a value read from it is less than 1 % off.
package final class LatencyHistogram {
    private static let bits = 7
    private static let bucketCount = (64 - bits + 1) << bits

    private let counts: UnsafeMutableBufferPointer<UInt64>
    /// How many times were recorded.
    package private(set) var count: UInt64 = 0
    /// The longest one, exactly.
    package private(set) var longest: UInt64 = 0

    package init() {
        self.counts = .allocate(capacity: Self.bucketCount)
        self.counts.initialize(repeating: 0)
    }

    deinit {
        self.counts.deallocate()
    }

    package func record(_ nanoseconds: UInt64) {
        self.counts[Self.index(of: nanoseconds)] &+= 1
        self.count &+= 1
        if nanoseconds > self.longest { self.longest = nanoseconds }
    }

    package func reset() {
        self.counts.update(repeating: 0)
        self.count = 0
        self.longest = 0
    }

    /// The time that this share of all times, between 0 and 1, does not exceed.
    package func quantile(_ share: Double) -> UInt64 {
        let wanted = max(1, UInt64((share * Double(self.count)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in self.counts.enumerated() where count > 0 {
            seen += count
            if seen >= wanted { return min(Self.middle(of: index), self.longest) }
        }
        return self.longest
    }

    private static func index(of value: UInt64) -> Int {
        let shift = max(0, 63 - self.bits - value.leadingZeroBitCount)
        return (shift << self.bits) + Int(value >> UInt64(shift))
    }

    private static func middle(of index: Int) -> UInt64 {
        let shift = max(0, (index >> self.bits) - 1)
        let lowest = UInt64(index - (shift << self.bits)) << UInt64(shift)
        return lowest + (UInt64(1) << UInt64(shift)) / 2
    }
}
