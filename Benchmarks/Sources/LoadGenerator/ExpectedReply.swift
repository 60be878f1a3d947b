import Glibc
import LVMWire

/// Knows what success looks like: the first reply is read word for word, and the next ones have to
/// be the same bytes. Any other reply is read word for word again.
struct ExpectedReply {
    private var known: [UInt8] = []

    /// Checks a reply, which may not be complete yet.
    enum Verdict {
        case good
        case incomplete
        case bad(String)
    }

    mutating func check(_ reply: UnsafeRawBufferPointer) -> Verdict {
        if reply.count == self.known.count, let start = reply.baseAddress,
            memcmp(start, self.known, reply.count) == 0
        {
            return .good
        }
        guard reply.suffix(4).elementsEqual(FrameReader.terminator) else { return .incomplete }
        let bytes = Array(reply)
        guard let response = try? ClientResponse(Array(bytes.dropLast(4))) else {
            return .bad("not a reply: \(String(decoding: bytes, as: UTF8.self))")
        }
        guard response.isOK, response.result?.rawValue == 0 else {
            return .bad("\(response.fields)")
        }
        self.known = bytes
        return .good
    }
}
