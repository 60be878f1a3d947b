public import LockCore

/// Cuts a stream of bytes into frames.
///
/// A frame is a request's or a reply's text and ends with `"\n##\n"`. Bytes may come in any pieces,
/// and several frames in one. Each byte is looked at once, and copied once: a frame that came alone
/// in one piece is handed on without another copy.
///
/// Take all frames out with ``next()`` after each ``append(_:)-([UInt8])``: the reader then keeps
/// no more than the beginning of one frame, which is limited.
public struct FrameReader: Sendable {
    /// The end of every frame.
    public static let terminator: [UInt8] = [0x0A, 0x23, 0x23, 0x0A]

    private let limit: Int
    private let limitWithDrives: Int
    private var bytes: [UInt8] = []
    /// Where the next frame begins.
    private var start = 0
    /// Up to where no end of it was found.
    private var scanned = 0
    private var hasFailed = false
    /// Whether the frame being read lists drives, once that mattered.
    private var listsDrives: Bool?

    /// A reader that has seen nothing yet. The limits are in bytes, without the terminator.
    public init(
        limit: Int = Limits.requestBytes, limitWithDrives: Int = Limits.requestBytesWithDrives
    ) {
        self.limit = limit
        self.limitWithDrives = max(limit, limitWithDrives)
    }

    /// How many bytes are kept for frames not yet taken out.
    public var bufferedBytes: Int { self.bytes.count - self.start }

    /// Takes the next bytes of the stream.
    public mutating func append(_ piece: [UInt8]) {
        guard !self.hasFailed else { return }
        self.dropTaken()
        if self.bytes.isEmpty {
            self.bytes = piece
        } else {
            self.bytes.append(contentsOf: piece)
        }
    }

    /// Takes the next bytes of the stream.
    public mutating func append(_ piece: UnsafeRawBufferPointer) {
        guard !self.hasFailed else { return }
        self.dropTaken()
        self.bytes.append(contentsOf: piece)
    }

    /// The text of the next complete frame, without its terminator; nil if there is none yet.
    ///
    /// Throws ``WireError/Code-swift.struct/frameTooLong`` past the limit. There is no telling then
    /// where the next frame would begin: the reader takes nothing more and throws ever after.
    public mutating func next() throws(WireError) -> [UInt8]? {
        guard !self.hasFailed else { throw self.tooLong() }
        let end = self.findEnd()
        // What has no end yet may end in a part of the terminator.
        let length = (end ?? self.bytes.count - Self.terminator.count + 1) - self.start
        if length > self.limit, length > self.limitOfLongFrame() {
            self.hasFailed = true
            self.bytes = []
            throw self.tooLong()
        }
        guard let end else { return nil }
        return self.take(upTo: end)
    }

    private mutating func take(upTo end: Int) -> [UInt8] {
        let after = end + Self.terminator.count
        let frame: [UInt8]
        if self.start == 0, after == self.bytes.count {
            frame = Self.withoutTerminator(&self.bytes)
            self.start = 0
        } else {
            frame = Array(self.bytes[self.start..<end])
            self.start = after
        }
        self.scanned = self.start
        self.listsDrives = nil
        return frame
    }

    private static func withoutTerminator(_ bytes: inout [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        swap(&frame, &bytes)
        frame.removeLast(self.terminator.count)
        return frame
    }

    /// Where the terminator of the next frame begins.
    private mutating func findEnd() -> Int? {
        let (end, scanned) = self.bytes.withUnsafeBufferPointer {
            Self.findTerminator(in: $0, from: self.scanned)
        }
        self.scanned = scanned
        return end
    }

    /// Where a terminator begins, if there is one, and before where there is none.
    private static func findTerminator(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> (end: Int?, scanned: Int) {
        var at = start
        while at + 3 < bytes.count {
            // The third byte decides how far to step: few characters can be in a terminator there.
            switch bytes[at + 2] {
            case Byte.hash:
                if bytes[at + 1] == Byte.hash, bytes[at] == Byte.newline,
                    bytes[at + 3] == Byte.newline
                {
                    return (at, at)
                }
                at += 1
            case Byte.newline: at += 2
            default: at += 3
            }
        }
        return (nil, at)
    }

    /// Moves what is left to the front, so that the buffer does not grow with the stream.
    private mutating func dropTaken() {
        guard self.start > 0 else { return }
        self.bytes.removeFirst(self.start)
        self.scanned -= self.start
        self.start = 0
    }

    // MARK: Long frames

    private mutating func limitOfLongFrame() -> Int {
        if let known = self.listsDrives { return known ? self.limitWithDrives : self.limit }
        let listsDrives = self.hasDriveCount()
        self.listsDrives = listsDrives
        return listsDrives ? self.limitWithDrives : self.limit
    }

    /// Is there a line that begins with `path_num`? It stands before the paths, so that the
    /// ordinary limit's worth of bytes shows it.
    private func hasDriveCount() -> Bool {
        let key = Array("path_num".utf8)
        let end = min(self.bytes.count, self.start + self.limit)
        var isLineStart = true
        for at in self.start..<end {
            let byte = self.bytes[at]
            if isLineStart, byte == key[0], at + key.count <= end,
                self.bytes[at..<at + key.count].elementsEqual(key)
            {
                return true
            }
            isLineStart = byte == 0x0A || (isLineStart && (byte == 0x20 || byte == 0x09))
        }
        return false
    }

    private func tooLong() -> WireError {
        let limit = self.listsDrives == true ? self.limitWithDrives : self.limit
        return WireError(.frameTooLong, limit: limit)
    }
}
