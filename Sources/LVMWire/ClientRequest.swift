/// A request as a client writes it: its name, then fields in the order in which they were added.
public struct ClientRequest: Sendable {
    /// A field's value.
    public enum Value: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        /// Text, which is sent in quotes.
        case string(String)
        /// A number.
        case integer(Int64)

        /// A literal text.
        public init(stringLiteral value: String) { self = .string(value) }
        /// A literal number.
        public init(integerLiteral value: Int64) { self = .integer(value) }
    }

    /// What is asked, such as `lock_vg`.
    public let name: String
    /// The fields, in order.
    public private(set) var fields: [(key: String, value: Value)]

    /// A request with these fields.
    public init(_ name: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        self.name = name
        self.fields = fields.map { ($0.key, $0.value) }
    }

    /// Adds a field at the end.
    public mutating func add(_ key: String, _ value: Value) {
        self.fields.append((key, value))
    }

    /// The whole frame.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        Self.append("request", .string(self.name), to: &bytes)
        for (key, value) in self.fields { Self.append(key, value, to: &bytes) }
        bytes.append("\n##\n")
        return bytes
    }

    private static func append(_ key: String, _ value: Value, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: key.utf8)
        bytes.append(" = ")
        switch value {
        case .string(let text):
            bytes.append(Byte.quote)
            bytes.appendQuotable(text)
            bytes.append(Byte.quote)
        case .integer(let number):
            bytes.appendDecimal(number)
        }
        bytes.append(Byte.newline)
    }
}
