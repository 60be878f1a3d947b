/// Writing the protocol's text without making strings on the way.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        self.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Text from elsewhere, as it stands in double quotes: a quote or a backslash gets a backslash,
    /// and a control character becomes a space, so that no text can end its line or its frame.
    mutating func appendQuotable(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case Byte.quote, Byte.backslash:
                self.append(Byte.backslash)
                self.append(byte)
            case 0..<Byte.space, Byte.delete: self.append(Byte.space)
            default: self.append(byte)
            }
        }
    }

    mutating func appendDecimal<N: BinaryInteger>(_ number: N) {
        if number < 0 { self.append(Byte.minus) }
        var rest = UInt64(number.magnitude)
        guard rest >= 10 else {
            self.append(Byte.zero + UInt8(rest))
            return
        }
        let start = self.count
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            self.append(Byte.zero + UInt8(digit))
            rest = quotient
        }
        self[start...].reverse()
    }

    /// One line of the form `key = number`.
    mutating func appendField<N: BinaryInteger>(_ key: StaticString, _ number: N) {
        self.append(key)
        self.append(" = ")
        self.appendDecimal(number)
        self.append(Byte.newline)
    }

    /// One line of the form `key = "text"`; `none` for an empty text.
    mutating func appendField(_ key: StaticString, _ text: String) {
        self.append(key)
        self.append(" = \"")
        if text.isEmpty { self.append("none") } else { self.appendQuotable(text) }
        self.append("\"\n")
    }
}
