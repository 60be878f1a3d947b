import LockCore

/// lvmlockd's layout (`struct val_blk`), so that its hosts and ours read each other's blocks:
/// format, flags and version at the start of the kernel's block, little endian.
extension ValueBlock {
    static let storedBytes = 8

    /// Reads the start of the kernel's block.
    init(stored bytes: some Sequence<UInt8>) {
        var number: UInt64 = 0
        for (place, byte) in bytes.prefix(Self.storedBytes).enumerated() {
            number |= UInt64(byte) << (8 * place)
        }
        self.init(
            format: UInt16(truncatingIfNeeded: number),
            flags: Flags(rawValue: UInt16(truncatingIfNeeded: number >> 16)),
            resourceVersion: UInt32(truncatingIfNeeded: number >> 32))
    }

    /// What goes to the start of the kernel's block.
    var stored: [UInt8] {
        let number =
            UInt64(self.format) | UInt64(self.flags.rawValue) << 16
            | UInt64(self.resourceVersion) << 32
        return (0..<Self.storedBytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
