/// What the drives keep with a mutex: 7 bytes that tell, by being the same or not, whether the data
/// which the mutex protects has changed. (lvmlockd writes the microseconds since 1970 there.)
public struct ChangeStamp: RawRepresentable, Hashable, Sendable {
    /// The number, below 2^56.
    public let rawValue: UInt64

    /// Takes the lower 56 bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue & Self.mask
    }

    /// What a drive says that has nothing to say.
    public static let none = ChangeStamp(rawValue: 0)
    /// What the lock manager says after it has taken a lock over from a host that ran out of time.
    public static let untrusted = ChangeStamp(rawValue: mask)

    /// Nothing follows from it.
    public var isUnknown: Bool { self == .none || self == .untrusted }

    /// One that differs from its predecessors, whatever the clocks of the hosts say.
    ///
    /// - Parameters:
    ///   - previous: The last one known.
    ///   - nowMicroseconds: Any number that grows; the time since 1970 makes stamps of unrelated
    ///     beginnings differ.
    public static func following(
        _ previous: ChangeStamp?, nowMicroseconds: UInt64
    ) -> ChangeStamp {
        let next = previous.map { $0.isUnknown ? 0 : $0.rawValue + 1 } ?? 0
        let stamp = ChangeStamp(rawValue: max(nowMicroseconds & Self.mask, next))
        return stamp.isUnknown ? ChangeStamp(rawValue: 1) : stamp
    }

    private static let mask: UInt64 = (1 << 56) - 1

    /// Reads a value block of 8 bytes; the last, which is lost on the way, does not count.
    package init(valueBlock: some Sequence<UInt8>) {
        var reader = ByteReader(valueBlock)
        self.init(rawValue: reader.littleEndian() ?? 0)
    }

    /// As a value block of 8 bytes.
    package var valueBlock: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(self.rawValue)
        return bytes
    }
}
