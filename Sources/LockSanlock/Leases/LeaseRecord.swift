#if Sanlock
/// What the first sector of a lease says of it, read past the sanlock daemon. The layout on
/// disk is sanlock's `struct leader_record`, in little endian.
struct LeaseRecord: Hashable, Sendable {
    /// The lockspace it belongs to.
    var lockspace: String
    /// What it is for.
    var name: String

    /// Bytes at the beginning of the sector that this reads.
    static let bytes = 152

    /// Reads a lease's first sector; nil if there is no lease (its first number is not
    /// `PAXOS_DISK_MAGIC`).
    init?(_ sector: UnsafeRawBufferPointer) {
        precondition(sector.count >= Self.bytes, "a sector holds a whole record")
        let magic = UInt32(littleEndian: sector.loadUnaligned(as: UInt32.self))
        guard magic == 0x0615_2010 else { return nil }
        self.lockspace = Self.text(sector[56..<104])
        self.name = Self.text(sector[104..<152])
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// True of a lease that the lockspace, or an earlier one in the same place, does not use.
    var isUnused: Bool { self.name == LeaseName.unused }
}
#endif
