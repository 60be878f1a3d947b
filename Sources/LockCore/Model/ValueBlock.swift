/// The few bytes that a lock carries from one holder to the next: which version of the protected
/// data the last writer left.
public struct ValueBlock: Hashable, Sendable {
    /// The layout's version; 0 in a block that was never written. The high byte tells
    /// incompatible layouts apart.
    public var format: UInt16
    /// What else the last writer said.
    public var flags: Flags
    /// The data's version: the volume group's seqno, or a counter for the global lock.
    public var resourceVersion: UInt32

    /// The layout that this library writes (lvmlockd's `VAL_BLK_VERSION`).
    public static let currentFormat: UInt16 = 0x0101

    /// What a writer says besides the version.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits as they are stored.
        public let rawValue: UInt16

        /// Wraps the bits as they are stored.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// The volume group was removed (lvmlockd's `VBF_REMOVED`).
        public static let removed = Flags(rawValue: 0x0001)
    }

    /// A block with these contents; without any, one that was never written.
    public init(format: UInt16 = 0, flags: Flags = [], resourceVersion: UInt32 = 0) {
        self.format = format
        self.flags = flags
        self.resourceVersion = resourceVersion
    }
}

/// What a grant tells about the value block.
public enum ValueBlockReading: Hashable, Sendable {
    /// The block as it stands; all zero when it was never written or its content was lost.
    case value(ValueBlock)
    /// The data changed since this host last held the lock; to what, the manager cannot say.
    case changed
    /// The data is as this host left it.
    case unchanged
    /// The manager keeps no value block, or could not read it.
    case unknown
}
