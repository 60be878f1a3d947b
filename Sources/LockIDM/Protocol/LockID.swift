/// The 64 bytes by which the drives know a mutex: a volume group's UUID and a logical volume's, 32
/// bytes each, as the characters that LVM writes without the dashes. (lvmlockd uses the same.)
public struct LockID: Hashable, Sendable {
    /// How many bytes it has (propeller's `IDM_LOCK_ID_LEN`).
    public static let size = 64
    /// The bytes, exactly ``size``.
    public let bytes: [UInt8]

    /// The lock of a volume group, or with a second part of something in it. Nil if a part is too
    /// long to be kept.
    ///
    /// - Parameters:
    ///   - volumeGroup: An LVM UUID, with or without its dashes, or any other name of at most 32
    ///     bytes.
    ///   - part: The same for a logical volume; empty for the volume group itself.
    public init?(volumeGroup: String, part: String = "") {
        guard !volumeGroup.isEmpty, let group = Self.half(volumeGroup), let part = Self.half(part)
        else { return nil }
        self.bytes = group + part
    }

    /// Takes 64 bytes as they are; nil for any other number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    /// The lock of the machine-wide resource: all zero, as lvmlockd has it.
    public static let global = LockID(half: [], half: [])

    /// What every host that takes part in a lockspace holds shared, so that the others can count
    /// it: the drives know of no other membership. No UUID has a dot in it, so it is in nobody's
    /// way.
    package var members: LockID {
        LockID(half: Array(self.bytes.prefix(32)), half: Array("holdfast.members".utf8))
    }

    /// The lock of a logical volume in this one's volume group; nil if the name is empty or too
    /// long.
    package func part(_ name: String) -> LockID? {
        guard !name.isEmpty, let part = Self.half(name) else { return nil }
        return LockID(half: Array(self.bytes.prefix(32)), half: part)
    }

    /// Is it in the same volume group?
    package func isBeside(_ other: LockID) -> Bool {
        self.bytes.prefix(32) == other.bytes.prefix(32)
    }

    /// Two halves of at most 32 bytes, filled with zeros.
    package init(half first: [UInt8], half second: [UInt8]) {
        self.bytes = Self.padded(first) + Self.padded(second)
    }

    /// A name in 32 bytes, filled with NULs; nil if it is too long. Only the dashes of LVM's own
    /// format are left out, for other names could differ in theirs alone.
    private static func half(_ name: String) -> [UInt8]? {
        var bytes = Array(name.utf8)
        if bytes.count == 38 {
            let groups = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard groups.map(\.count) == [6, 4, 4, 4, 4, 4, 6] else { return nil }
            bytes = Array(groups.joined())
        }
        guard bytes.count <= 32, !bytes.contains(0) else { return nil }
        return Self.padded(bytes)
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + repeatElement(0, count: 32 - bytes.count)
    }
}

extension LockID: CustomStringConvertible {
    /// The readable part of both halves.
    public var description: String {
        [self.bytes.prefix(32), self.bytes.suffix(32)]
            .map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            .filter { !$0.isEmpty }.joined(separator: "/")
    }
}
