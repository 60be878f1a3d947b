import Testing

@testable import LockServer

/// The ring of log lines and the lines in it.
struct LogTests {
    @Test func `a ring that is not full shows all`() {
        var ring = LogRing(capacity: 100)
        ring.append(Array("one\n".utf8))
        ring.append(Array("two\n".utf8))
        #expect(text(ring) == "one\ntwo\n")
    }

    @Test func `a full ring shows the newest whole lines`() {
        var ring = LogRing(capacity: 16)
        for number in 0..<100 {
            ring.append(Array("\(number)\n".utf8))
            #expect(text(ring).hasSuffix("\(number)\n"))
        }
        #expect(text(ring) == "95\n96\n97\n98\n99\n")
    }

    @Test func `a line longer than the ring is left out`() {
        var ring = LogRing(capacity: 8)
        ring.append(Array("short\n".utf8))
        ring.append(Array("much too long\n".utf8))
        #expect(text(ring) == "short\n")
    }

    @Test func `a line begins with its time and has one end`() {
        var line = LogLine()
        for number in [0, 7, -7, 1234567890, Int.min] {
            line.begin()
            line.append("number ")
            line.append(number: number)
            line.append(text: " a\nb\u{0}")
            line.end()
            #expect(line.text == "number \(number) a b ")
            #expect(line.bytes.count { $0 == UInt8(ascii: "\n") } == 1)
        }
    }

    private func text(_ ring: LogRing) -> String {
        String(decoding: ring.contents, as: UTF8.self)
    }
}
