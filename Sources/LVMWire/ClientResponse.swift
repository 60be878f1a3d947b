public import LockCore

/// A reply as a client reads it: keys and values in the order in which they came.
public struct ClientResponse: Sendable {
    /// A field's value.
    public typealias Value = ClientRequest.Value

    /// The fields, in order.
    public let fields: [(key: String, value: Value)]

    /// Reads the text of one frame.
    public init(_ frame: [UInt8]) throws(WireError) {
        var fields: [(key: String, value: Value)] = []
        var scanner = ConfigScanner()
        while let field = try scanner.next(in: frame.span) {
            let key = String(decoding: frame[field.key], as: UTF8.self)
            switch field.value {
            case .number(let number?): fields.append((key, .integer(number)))
            case .number(nil): throw WireError(.badNumber, field: key)
            case .string(let range, _):
                let content = ConfigScanner.unescaped(frame.span.extracting(range))
                fields.append((key, .string(String(decoding: content, as: UTF8.self))))
            }
        }
        self.fields = fields
    }

    /// The first field of that name; nil if there is none.
    public subscript(key: String) -> Value? {
        self.fields.first { $0.key == key }?.value
    }

    /// A number; nil if there is none of that name.
    public func int(_ key: String) -> Int64? {
        guard case .integer(let number) = self[key] else { return nil }
        return number
    }

    /// A text; nil if there is none of that name.
    public func string(_ key: String) -> String? {
        guard case .string(let text) = self[key] else { return nil }
        return text
    }

    /// Did the service understand the request? That says nothing about its result.
    public var isOK: Bool { self.string("response") == "OK" }

    /// What came of the request: `op_result`, or `result` where the reply has that; nil if it has
    /// neither. Some requests answer with a number above 0.
    public var result: ResultCode? {
        guard let number = self.int("op_result") ?? self.int("result") else { return nil }
        return Int32(exactly: number).map(ResultCode.init(rawValue:))
    }

    /// What else the service says.
    public var notes: Reply.Notes {
        Reply.Notes(flags: self.string("result_flags") ?? "")
    }
}
