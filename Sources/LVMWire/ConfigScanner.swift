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

        /// An empty string.
        var isEmpty: Bool {
            if case .string(let content, _) = self { content.isEmpty } else { false }
        }
    }

    private var at = 0

    /// The next field of the text, which is the same at every call; nil at its end.
    mutating func next(in text: Span<UInt8>) throws(WireError) -> Field? {
        self.skipSpace(text)
        guard self.at < text.count else { return nil }
        let key = self.scanKey(text)
        guard !key.isEmpty else { throw self.unparsable(text) }
        self.skipSpace(text)
        guard self.at < text.count, text[self.at] == Byte.equals else {
            throw self.unparsable(text)
        }
        self.at += 1
        self.skipSpace(text)
        guard self.at < text.count else { throw self.unparsable(text) }
        let value =
            text[self.at] == Byte.quote ? try self.scanString(text) : try self.scanNumber(text)
        return Field(key: key, value: value)
    }

    private mutating func skipSpace(_ text: Span<UInt8>) {
        while self.at < text.count {
            switch text[self.at] {
            case Byte.newline, Byte.space, 0x09, 0x0B, 0x0C, 0x0D:
                self.at += 1
            case Byte.hash:
                while self.at < text.count, text[self.at] != Byte.newline { self.at += 1 }
            default:
                return
            }
        }
    }

    private mutating func scanKey(_ text: Span<UInt8>) -> Range<Int> {
        let start = self.at
        var end = start
        while end < text.count, Self.isKeyByte(text[end]) { end += 1 }
        self.at = end
        return start..<end
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        case 0x5F, 0x5B, 0x5D, 0x2D, 0x2E, 0x2F: true  // _ [ ] - . /
        default: false
        }
    }

    private mutating func scanString(_ text: Span<UInt8>) throws(WireError) -> Value {
        let start = self.at + 1
        var hasEscapes = false
        var end = start
        while end < text.count {
            switch text[end] {
            case Byte.quote:
                self.at = end + 1
                return .string(start..<end, hasEscapes: hasEscapes)
            case Byte.backslash:
                hasEscapes = true
                end += 1
            default:
                break
            }
            end += 1
        }
        self.at = text.count
        throw self.unparsable(text)
    }

    private mutating func scanNumber(_ text: Span<UInt8>) throws(WireError) -> Value {
        let isNegative = text[self.at] == Byte.minus
        if isNegative || text[self.at] == Byte.plus { self.at += 1 }
        let start = self.at
        var number: Int64? = 0
        while self.at < text.count, case let digit = text[self.at] &- Byte.zero, digit <= 9 {
            // Counted downwards, because the smallest number has no positive counterpart.
            number = number.flatMap { Self.appending(digit, to: $0) }
            self.at += 1
        }
        guard self.at > start, self.isWordEnd(text) else { throw self.unparsable(text) }
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
    private func isWordEnd(_ text: Span<UInt8>) -> Bool {
        guard self.at < text.count else { return true }
        switch text[self.at] {
        case Byte.newline, Byte.space, Byte.hash, 0x09, 0x0B, 0x0C, 0x0D: return true
        default: return false
        }
    }

    private func unparsable(_ text: Span<UInt8>) -> WireError {
        var line = 1
        for at in 0..<min(self.at, text.count) where text[at] == Byte.newline { line += 1 }
        return WireError(.unparsable, line: line)
    }
}

extension ConfigScanner {
    /// A string's content without the backslashes that protect quotes and backslashes.
    static func unescaped(_ content: Span<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        var at = 0
        while at < content.count {
            let following = at + 1
            if content[at] == Byte.backslash, following < content.count,
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
