/// lvmlockd's layout (`struct val_blk`), so that its hosts and ours read each other's blocks:
/// format, flags and version, all little-endian.
extension ValueBlock {
    /// Bytes of a stored block.
    package static let storedByteCount = 8

    /// The block as lvmlockd stores it.
    package var stored: [UInt8] {
        let word =
            UInt64(self.format) | UInt64(self.flags.rawValue) << 16
            | UInt64(self.resourceVersion) << 32
        return (0..<Self.storedByteCount).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    /// Reads a block from the start of what is stored; nil if bytes are missing.
    package init?(stored bytes: some BidirectionalCollection<UInt8>) {
        guard bytes.count >= Self.storedByteCount else { return nil }
        let word = bytes.prefix(Self.storedByteCount).reversed()
            .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(
            format: UInt16(truncatingIfNeeded: word),
            flags: Flags(rawValue: UInt16(truncatingIfNeeded: word >> 16)),
            resourceVersion: UInt32(truncatingIfNeeded: word >> 32))
    }
}
