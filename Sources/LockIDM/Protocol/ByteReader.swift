/// Takes bytes from the front of a message. Nil where there are too few.
package struct ByteReader {
    /// What has not been taken yet.
    package private(set) var rest: ArraySlice<UInt8>

    package init(_ bytes: some Sequence<UInt8>) {
        self.rest = ArraySlice(bytes)
    }

    package mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, self.rest.count >= count else { return nil }
        defer { self.rest = self.rest.dropFirst(count) }
        return Array(self.rest.prefix(count))
    }

    /// Integers on the manager's socket are in the machine's order, which is this one.
    package mutating func littleEndian<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) -> Number? {
        self.bytes(MemoryLayout<Number>.size).map { bytes in
            bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
    }

    /// Integers in a drive's data are in this order.
    package mutating func bigEndian<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) -> Number? {
        self.bytes(MemoryLayout<Number>.size).map { bytes in
            bytes.reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
    }

    /// A text in a field of that many bytes, up to the first NUL.
    package mutating func text(inField count: Int) -> String? {
        self.bytes(count).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension [UInt8] {
    /// Adds an integer, the lowest byte first.
    package mutating func appendLittleEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { self.append(contentsOf: $0) }
    }

    /// Adds an integer, the highest byte first.
    package mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self.append(contentsOf: $0) }
    }

    /// Adds a text in a field of that many bytes, filled with NULs.
    package mutating func append(_ text: String, inField count: Int) {
        let bytes = text.utf8.prefix(count)
        self.append(contentsOf: bytes)
        self.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }
}
