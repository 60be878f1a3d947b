/// Reads config text one `key = value` at a time.
///
/// The text is libdaemon's subset of LVM's configuration syntax: values are strings in double
/// quotes, in which a backslash protects a quote or a backslash, or whole numbers. White space,
/// line ends and comments (`#` to the end of the line) may stand between any two words.
struct ConfigScanner {
    /// One `key = value`, as ranges of the text.
    struct Field {
        var key: Range<Int>
        var value: Value
    }

    enum Value {
        /// A string's content, still with its backslashes if there are any.
        case string(Range<Int>, hasEscapes: Bool)
        /// A number; nil if it does not fit 64 bits.
        case number(Int64?)
    }

    let text: [UInt8]
    private var at = 0
    private var line = 1

    init(_ text: [UInt8]) {
        self.text = text
    }

    /// The next field, or nil at the end of the text.
    mutating func next() throws(WireError) -> Field? {
        self.skipSpace()
        guard self.at < self.text.count else { return nil }
        let key = self.scanKey()
        guard !key.isEmpty else { throw self.unparsable() }
        self.skipSpace()
        guard self.at < self.text.count, self.text[self.at] == Byte.equals else {
            throw self.unparsable()
        }
        self.at += 1
        self.skipSpace()
        guard self.at < self.text.count else { throw self.unparsable() }
        let value =
            self.text[self.at] == Byte.quote ? try self.scanString() : try self.scanNumber()
        return Field(key: key, value: value)
    }

    private mutating func skipSpace() {
        while self.at < self.text.count {
            switch self.text[self.at] {
            case Byte.newline:
                self.line += 1
                self.at += 1
            case Byte.space, 0x09, 0x0B, 0x0C, 0x0D:
                self.at += 1
            case Byte.hash:
                while self.at < self.text.count, self.text[self.at] != Byte.newline {
                    self.at += 1
                }
            default:
                return
            }
        }
    }

    private mutating func scanKey() -> Range<Int> {
        let start = self.at
        while self.at < self.text.count, Self.isKeyByte(self.text[self.at]) { self.at += 1 }
        return start..<self.at
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        case 0x5F, 0x5B, 0x5D, 0x2D, 0x2E, 0x2F: true  // _ [ ] - . /
        default: false
        }
    }

    private mutating func scanString() throws(WireError) -> Value {
        self.at += 1
        let start = self.at
        var hasEscapes = false
        while self.at < self.text.count {
            switch self.text[self.at] {
            case Byte.quote:
                let content = start..<self.at
                self.at += 1
                return .string(content, hasEscapes: hasEscapes)
            case Byte.backslash:
                hasEscapes = true
                self.at += 2
            case Byte.newline:
                self.line += 1
                self.at += 1
            default:
                self.at += 1
            }
        }
        throw self.unparsable()
    }

    private mutating func scanNumber() throws(WireError) -> Value {
        let isNegative = self.text[self.at] == Byte.minus
        if isNegative || self.text[self.at] == Byte.plus { self.at += 1 }
        let start = self.at
        var number: Int64? = 0
        while self.at < self.text.count, case let digit = self.text[self.at] &- Byte.zero,
            digit <= 9
        {
            // Counted downwards, because the smallest number has no positive counterpart.
            number = number.flatMap { Self.appending(digit, to: $0) }
            self.at += 1
        }
        guard self.at > start, self.isWordEnd else { throw self.unparsable() }
        guard !isNegative else { return .number(number) }
        return .number(number.flatMap { $0 == .min ? nil : -$0 })
    }

    private static func appending(_ digit: UInt8, to number: Int64) -> Int64? {
        let (shifted, tooMany) = number.multipliedReportingOverflow(by: 10)
        guard !tooMany else { return nil }
        let (sum, tooFar) = shifted.subtractingReportingOverflow(Int64(digit))
        return tooFar ? nil : sum
    }

    /// A number must be followed by space, a comment, or nothing.
    private var isWordEnd: Bool {
        guard self.at < self.text.count else { return true }
        switch self.text[self.at] {
        case Byte.newline, Byte.space, Byte.hash, 0x09, 0x0B, 0x0C, 0x0D: return true
        default: return false
        }
    }

    private func unparsable() -> WireError {
        WireError(.unparsable, line: self.line)
    }
}

extension ConfigScanner {
    /// A string's content without the backslashes that protect quotes and backslashes.
    static func unescaped(_ content: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        var at = content.startIndex
        while at < content.endIndex {
            let following = at + 1
            if content[at] == Byte.backslash, following < content.endIndex,
                content[following] == Byte.quote || content[following] == Byte.backslash
            {
                at = following
            }
            result.append(content[at])
            at += 1
        }
        return result
    }
}

/// The characters that the protocol's text is made of.
enum Byte {
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let hash = UInt8(ascii: "#")
    static let equals = UInt8(ascii: "=")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let underscore = UInt8(ascii: "_")
    static let zero = UInt8(ascii: "0")
    static let delete: UInt8 = 0x7F
}
