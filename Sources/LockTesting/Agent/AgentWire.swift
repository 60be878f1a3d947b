/// What goes over a stream between a driver and an agent, byte by byte.
///
/// A frame is the number of bytes that follow, in four bytes, and those. Numbers are big-endian: 8
/// bytes, or 1 for a choice. A string is its number of UTF-8 bytes and these; a list, its number of
/// elements and these; something optional, 0, or 1 and the thing; a structure, its fields in the
/// order in which the code lists them. ``AgentMessage`` says what is in a frame.
protocol WireValue: Sendable {
    init(from reader: inout WireReader) throws(WireError)
    func write(to writer: inout WireWriter)
}

/// The bytes are not what the protocol says they are.
struct WireError: Error {
    var reason: String
}

/// Puts values into bytes.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: some WireValue) {
        value.write(to: &self)
    }

    mutating func writeByte(_ byte: UInt8) {
        self.bytes.append(byte)
    }

    mutating func writeBytes(_ bytes: some Sequence<UInt8>) {
        self.bytes.append(contentsOf: bytes)
    }

    /// The bytes as a frame.
    func frame() -> [UInt8] {
        let length = UInt32(self.bytes.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + self.bytes
    }
}

/// Takes values out of bytes.
struct WireReader {
    /// The longest frame: many times the longest message of a caller who keeps the limits.
    static let longestFrame = 1 << 20
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) {
        self.rest = Array(bytes)[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func read<Value: WireValue>(
        _ type: Value.Type = Value.self
    ) throws(WireError) -> Value {
        try Value(from: &self)
    }

    mutating func readByte() throws(WireError) -> UInt8 {
        guard let byte = self.rest.popFirst() else { throw WireError(reason: "it is too short") }
        return byte
    }

    mutating func readBytes(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count <= self.rest.count else { throw WireError(reason: "it is too short") }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }

    /// A number of things, each of which has at least a byte.
    mutating func readCount() throws(WireError) -> Int {
        let count = try self.read(UInt64.self)
        guard count <= UInt64(self.rest.count) else { throw WireError(reason: "it is too short") }
        return Int(count)
    }

    /// Takes the first frame off the bytes received so far; nil if it is not complete.
    static func frame(in bytes: inout [UInt8]) throws(WireError) -> WireReader? {
        guard bytes.count >= 4 else { return nil }
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.longestFrame else { throw WireError(reason: "it is too long") }
        guard bytes.count >= 4 + length else { return nil }
        defer { bytes.removeFirst(4 + length) }
        return WireReader(bytes[4..<(4 + length)])
    }
}

// MARK: Basic values

extension UInt64: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    func write(to writer: inout WireWriter) {
        writer.writeBytes((0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) })
    }
}

extension Int: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self = Int(truncatingIfNeeded: try reader.read(UInt64.self))
    }

    func write(to writer: inout WireWriter) {
        writer.write(UInt64(truncatingIfNeeded: self))
    }
}

extension Bool: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readByte() != 0
    }

    func write(to writer: inout WireWriter) {
        writer.writeByte(self ? 1 : 0)
    }
}

extension String: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let count = try reader.readCount()
        self = String(decoding: try reader.readBytes(count), as: UTF8.self)
    }

    func write(to writer: inout WireWriter) {
        writer.write(UInt64(self.utf8.count))
        writer.writeBytes(self.utf8)
    }
}

extension Optional: WireValue where Wrapped: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self = try reader.read(Bool.self) ? try reader.read(Wrapped.self) : nil
    }

    func write(to writer: inout WireWriter) {
        writer.write(self != nil)
        if let value = self { writer.write(value) }
    }
}

extension Array: WireValue where Element: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self = []
        for _ in 0..<(try reader.readCount()) { self.append(try reader.read(Element.self)) }
    }

    func write(to writer: inout WireWriter) {
        writer.write(UInt64(self.count))
        for element in self { writer.write(element) }
    }
}

extension Duration: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let seconds = Int64(try reader.read(Int.self))
        self.init(
            secondsComponent: seconds, attosecondsComponent: Int64(try reader.read(Int.self)))
    }

    func write(to writer: inout WireWriter) {
        writer.write(Int(self.components.seconds))
        writer.write(Int(self.components.attoseconds))
    }
}

/// The answer of a call that answers nothing.
struct Done: WireValue {
    init() {}
    init(from reader: inout WireReader) throws(WireError) {}
    func write(to writer: inout WireWriter) {}
}
