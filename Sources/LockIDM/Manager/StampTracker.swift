package import LockCore

/// What the drives say about a lock's change stamp.
package struct StampReading: Hashable, Sendable {
    /// The stamp that the last writer left; nil if that is not certain.
    package var known: ChangeStamp?
    /// The highest stamp seen, which the next must exceed.
    package var highest: ChangeStamp
    /// No drive has a stamp, and nothing speaks for a lost one.
    package var isBlank: Bool

    package init(known: ChangeStamp?, highest: ChangeStamp = .none, isBlank: Bool = false) {
        self.known = known.flatMap { $0.isUnknown ? nil : $0 }
        self.highest = highest == .untrusted ? .none : highest
        self.isBlank = isBlank
    }

    /// Nothing can be said.
    package static let unclear = StampReading(known: nil)
}

/// What a release does to the stamp.
package enum StampLeft: Hashable, Sendable {
    /// It is this one from now on.
    case stamp(ChangeStamp)
    /// There was none, and there will be none.
    case blank
    /// This host shares the lock and does not know it: it must not be set back. Where it has to be
    /// set to something, this one is higher than all that was seen.
    case asItIs(orElse: ChangeStamp)
}

/// Follows the change stamp of one resource, from grant to grant.
///
/// Two readings that are equal mean that nothing was written between them, whoever held the lock
/// meanwhile. For that to be true, a stamp that is not certain must never be written back: it could
/// be an old one that some host still remembers.
package struct StampTracker: Sendable {
    /// The stamp of the data as this host knows it.
    private var remembered: ChangeStamp?
    /// The drives' stamp in this hold.
    private var current = StampReading.unclear

    package init() {}

    /// A grant came with this reading.
    package mutating func granted(_ reading: StampReading) -> ValueBlockReading {
        let before = self.remembered
        var reading = reading
        reading.highest = ChangeStamp(
            rawValue: max(reading.highest.rawValue, before?.rawValue ?? 0))
        self.current = reading
        self.remembered = reading.known
        guard let known = reading.known, let before else { return .unknown }
        return known == before ? .unchanged : .changed
    }

    /// A shared hold became exclusive. What was not certain when it was shared does not become so:
    /// another sharer may have died with the last word.
    package mutating func raised(_ reading: StampReading) -> ValueBlockReading {
        var reading = reading
        if self.current.known == nil, !self.current.isBlank { reading.known = nil }
        return self.granted(reading)
    }

    /// An exclusive hold stays, in whatever mode: nobody else wrote.
    package var kept: ValueBlockReading { self.remembered == nil ? .unknown : .unchanged }

    /// This host knows what the drives say, or that they say nothing.
    package var isCertain: Bool { self.current.known != nil || self.current.isBlank }

    /// The data changed, or may have: the new stamp, which the drives are going to have. Only while
    /// the hold is exclusive.
    package mutating func published(nowMicroseconds: UInt64) -> ChangeStamp {
        let stamp = ChangeStamp.following(
            self.current.highest, nowMicroseconds: nowMicroseconds)
        self.current = StampReading(known: stamp, highest: stamp)
        self.remembered = stamp
        return stamp
    }

    /// What a release leaves when nothing is published with it.
    package mutating func left(by mode: LockMode, nowMicroseconds: UInt64) -> StampLeft {
        if let known = self.current.known { return .stamp(known) }
        guard mode != .exclusive else {
            return self.current.isBlank
                ? .blank : .stamp(self.published(nowMicroseconds: nowMicroseconds))
        }
        self.remembered = nil
        return .asItIs(
            orElse: ChangeStamp.following(
                self.current.highest, nowMicroseconds: nowMicroseconds))
    }
}
