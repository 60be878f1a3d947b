import LVMWire
import LockCore
import Testing

@Suite struct FrameReaderTests {
    private static let hello = frame("request = \"hello\"\n\n##\n")
    private static let texts = ["request = \"hello\"\n", "a = 1\n##x\n# #\n# ##", "", "pid = 3"]
    private static let stream = Self.texts.flatMap { frame($0 + "\n##\n") }

    private static func all(_ reader: inout FrameReader) throws -> [String] {
        var frames: [String] = []
        while let frame = try reader.next() {
            frames.append(String(decoding: frame, as: UTF8.self))
        }
        return frames
    }

    @Test func `a frame that comes whole is handed on`() throws {
        var reader = FrameReader()
        reader.append(Self.hello)
        #expect(try reader.next() == frame("request = \"hello\"\n"))
        #expect(try reader.next() == nil)
        #expect(reader.bufferedBytes == 0)
    }

    @Test func `several frames in one write are all found`() throws {
        var reader = FrameReader()
        reader.append(Self.stream)
        #expect(try Self.all(&reader) == Self.texts)
    }

    @Test func `a frame split anywhere is read the same`() throws {
        for first in 0...Self.stream.count {
            for second in first...Self.stream.count {
                var reader = FrameReader()
                var frames: [String] = []
                for piece in [0..<first, first..<second, second..<Self.stream.count] {
                    Self.stream[piece].withUnsafeBytes { reader.append($0) }
                    frames += try Self.all(&reader)
                }
                #expect(frames == Self.texts, "split at \(first) and \(second)")
            }
        }
    }

    @Test func `a frame that comes byte by byte is read the same`() throws {
        var reader = FrameReader()
        var frames: [String] = []
        for byte in Self.stream {
            reader.append([byte])
            frames += try Self.all(&reader)
        }
        #expect(frames == Self.texts)
        #expect(reader.bufferedBytes == 0)
    }

    @Test func `any mixture of the terminator's characters is cut where it should be`() throws {
        // Compared with a search that has no shortcuts.
        for pattern in 0..<(1 << 14) {
            let bytes = (0..<10).map { at in
                [UInt8(ascii: "\n"), UInt8(ascii: "#"), UInt8(ascii: "x")][(pattern >> at) % 3]
            }
            var reader = FrameReader()
            reader.append(bytes)
            var expected: [[UInt8]] = []
            var rest = bytes[...]
            while let end = rest.indices.first(where: {
                rest[$0...].starts(with: FrameReader.terminator)
            }) {
                expected.append(Array(rest[..<end]))
                rest = rest[(end + 4)...]
            }
            var found: [[UInt8]] = []
            while let frame = try reader.next() { found.append(frame) }
            #expect(found == expected)
        }
    }

    @Test func `a frame as long as the limit is taken, a longer one is not`() throws {
        let longest = [UInt8](repeating: UInt8(ascii: "x"), count: Limits.requestBytes)
        var reader = FrameReader()
        reader.append(longest + FrameReader.terminator.dropLast())
        #expect(try reader.next() == nil)
        reader.append([UInt8(ascii: "\n")])
        #expect(try reader.next()?.count == Limits.requestBytes)

        reader.append(longest + [UInt8(ascii: "x")] + FrameReader.terminator)
        #expect(throws: WireError(.frameTooLong, limit: Limits.requestBytes)) {
            try reader.next()
        }
    }

    @Test func `a frame without end is refused as soon as it is too long, and nothing is kept`() {
        var reader = FrameReader()
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
        var error: WireError?
        for _ in 0..<1000 {
            reader.append(piece)
            #expect(reader.bufferedBytes <= Limits.requestBytes + 1000)
            do { _ = try reader.next() } catch let thrown { error = thrown }
        }
        #expect(error?.code == .frameTooLong)
        #expect(reader.bufferedBytes == 0)
    }

    @Test func `a request that lists drives may be longer`() throws {
        var text = "request=\"lock_lv\"\npath_num =500\n"
        for index in 0..<500 {
            text += "path[\(index)] =\"/dev/\(String(repeating: "d", count: 1000))\"\n"
        }
        let bytes = frame(text + "\n##\n")
        #expect(bytes.count > Limits.requestBytes)
        var reader = FrameReader()
        reader.append(bytes)
        #expect(try reader.next()?.count == bytes.count - 4)

        var inPieces = FrameReader()
        for start in stride(from: 0, to: bytes.count, by: 4096) {
            #expect(try inPieces.next() == nil)
            inPieces.append(Array(bytes[start..<min(start + 4096, bytes.count)]))
        }
        #expect(try inPieces.next()?.count == bytes.count - 4)
        inPieces.append(Array(repeating: UInt8(ascii: "x"), count: Limits.requestBytes + 5))
        #expect(throws: WireError.self) { try inPieces.next() }
    }

    @Test func `a request that lists drives has a limit too`() {
        var reader = FrameReader()
        reader.append(frame("path_num = 1\n"))
        reader.append([UInt8](repeating: 0x20, count: Limits.requestBytesWithDrives))
        #expect(throws: WireError(.frameTooLong, limit: Limits.requestBytesWithDrives)) {
            try reader.next()
        }
    }
}
