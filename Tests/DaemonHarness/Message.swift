/// One message of the lvmlockd protocol as its peer wrote it: the fields in their order.
package struct Message: Hashable, Sendable, CustomStringConvertible {
    package struct Field: Hashable, Sendable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// What ends every message on the socket.
    package static let end = "\n##\n"

    package var fields: [Field]

    package init(_ fields: [Field]) {
        self.fields = fields
    }

    /// Reads `key = value` lines; values lose their quotes.
    package init(text: some StringProtocol) {
        self.fields = text.split(separator: "\n").compactMap { line -> Field? in
            guard let equals = line.firstIndex(of: "=") else { return nil }
            let key = String(line[..<equals]).filter { $0 != " " }
            let value = String(line[line.index(after: equals)...].drop { $0 == " " })
            return Field(key, value.filter { $0 != "\"" })
        }
    }

    /// The messages that a stream of bytes holds.
    package static func all(in stream: String) -> [Message] {
        stream.split(separator: "##\n").map { Message(text: $0) }.filter { !$0.fields.isEmpty }
    }

    package subscript(key: String) -> String? {
        self.fields.first { $0.key == key }?.value
    }

    /// The bytes on the socket: every value quoted but whole numbers, as lvm does it.
    package var wireText: String {
        let lines = self.fields.map { field in
            Int(field.value) == nil
                ? "\(field.key) = \"\(field.value)\"\n" : "\(field.key) = \(field.value)\n"
        }
        return lines.joined() + Message.end
    }

    package var description: String {
        self.fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
}
