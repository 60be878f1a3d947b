#if Sanlock
import LockCore

extension ValueBlock {
    /// Bytes of a stored block (lvmlockd's `struct val_blk`).
    static let storedByteCount = 8

    /// The block as lvmlockd stores it: format, flags, version, all little-endian.
    var stored: [UInt8] {
        let word =
            UInt64(self.format) | UInt64(self.flags.rawValue) << 16
            | UInt64(self.resourceVersion) << 32
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    /// Reads a stored block; nil if bytes are missing.
    init?(stored bytes: [UInt8]) {
        guard bytes.count >= Self.storedByteCount else { return nil }
        let word = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(
            format: UInt16(truncatingIfNeeded: word),
            flags: Flags(rawValue: UInt16(truncatingIfNeeded: word >> 16)),
            resourceVersion: UInt32(truncatingIfNeeded: word >> 32))
    }
}
#endif
