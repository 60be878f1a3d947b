/// A small random number generator whose whole future follows from its seed, so that a run with
/// random faults can be replayed. (The algorithm is Steele, Lea and Flood's SplitMix64.)
public struct SeededRandom: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// Starts the sequence that belongs to the seed.
    public init(seed: UInt64) {
        self.state = seed
    }

    /// The next number of the sequence.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Draws whether something of that probability, from 0 to 1, happens.
    public mutating func happens(withProbability probability: Double) -> Bool {
        // Nothing is drawn for what is certain, so that adding it does not shift later draws.
        if probability >= 1 { return true }
        if probability <= 0 { return false }
        return Double.random(in: 0..<1, using: &self) < probability
    }
}
