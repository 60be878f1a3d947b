/// The 32 bytes by which the drives know who holds a mutex.
public struct HostID: Hashable, Sendable {
    /// How many bytes it has (propeller's `IDM_HOST_ID_LEN`).
    public static let size = 32
    /// The bytes, exactly ``size``.
    public let bytes: [UInt8]

    /// Takes 32 bytes as they are; nil for any other number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    /// An id that nobody else has.
    public static func random() -> HostID {
        HostID(padding: (0..<Self.size).map { _ in UInt8.random(in: 0...255) })
    }

    /// The id of a host whose number is known, in one of its boots: the same for every process.
    ///
    /// - Parameters:
    ///   - number: The host's number, different from every other host's.
    ///   - boot: What tells one boot of the machine from another; at most 16 bytes of it count.
    public init(number: UInt64, boot: some Sequence<UInt8>) {
        var bytes = Self.mark
        bytes.appendLittleEndian(number)
        self.init(padding: bytes + boot.prefix(16))
    }

    /// The host's number, if the id carries one.
    public var number: UInt64? {
        guard Array(self.bytes.prefix(Self.mark.count)) == Self.mark else { return nil }
        var reader = ByteReader(self.bytes.dropFirst(Self.mark.count))
        return reader.littleEndian()
    }

    private static let mark = Array("holdfast".utf8)

    /// At most 32 bytes, filled with zeros.
    package init(padding bytes: [UInt8]) {
        self.bytes = bytes + repeatElement(0, count: Self.size - bytes.count)
    }
}
