import Glibc

/// Puts a log line together in bytes that are used again for the next one.
struct LogLine {
    private(set) var bytes: [UInt8] = []
    private var stampedSecond: Int = -1
    private var stampBytes = 0

    /// Starts a line with the time in seconds since 1970, as lvmlockd's begin.
    mutating func begin() {
        var now = timespec()
        // The clock of the last timer tick: a read of memory, no system call.
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec == self.stampedSecond {
            self.bytes.removeLast(self.bytes.count - self.stampBytes)
            return
        }
        self.bytes.removeAll(keepingCapacity: true)
        self.append(number: Int(now.tv_sec))
        self.append(UInt8(ascii: " "))
        self.stampedSecond = now.tv_sec
        self.stampBytes = self.bytes.count
    }

    /// Ends the line.
    mutating func end() {
        self.append(UInt8(ascii: "\n"))
    }

    /// The line without its time and its end.
    var text: String {
        String(decoding: self.bytes.dropFirst(self.stampBytes).dropLast(), as: UTF8.self)
    }

    mutating func append(_ byte: UInt8) {
        self.bytes.append(byte)
    }

    mutating func append(_ bytes: [UInt8]) {
        self.bytes.append(contentsOf: bytes)
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { self.bytes.append(contentsOf: $0) }
    }

    /// A word of our own, or one that was found to have no control characters.
    mutating func append(word: String) {
        var word = word
        word.withUTF8 { self.bytes.append(contentsOf: $0) }
    }

    /// Text from outside: line ends in it would look like lines of our own.
    mutating func append(text: String) {
        for byte in text.utf8 { self.bytes.append(max(byte, UInt8(ascii: " "))) }
    }

    mutating func append(number: Int) {
        if number < 0 { self.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let first = self.bytes.count
        repeat {
            self.bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        self.bytes[first...].reverse()
    }
}
