import Glibc

/// Sends the text of `info` and `dump` as datagrams to the socket that lvmlockctl has bound.
///
/// lvmlockd does it from the thread that serves all clients and stalls them meanwhile. Here a
/// receiver that is slow only makes a timer come again; one that does not read is given up.
final class DumpSender {
    /// lvmlockctl's abstract socket. There is one for each network namespace.
    static let lvmlockctlName = "lvmlockd-dump.sock"
    /// Bytes of one datagram.
    static let pieceBytes = 64 * 1024
    /// Texts that may wait for their turn, so that asking costs a client's memory, not ours.
    static let longestQueue = 4

    private static let pause = Duration.milliseconds(1)
    /// Pauses without any progress before the receiver is given up: half a second, as upstream.
    private static let mostPauses = 500

    private let name: String
    private let loop: EventLoop
    private var queue: [ArraySlice<UInt8>] = []
    private var descriptor: Int32 = -1
    private var pauses = 0

    init(to name: String, on loop: EventLoop) {
        self.name = name
        self.loop = loop
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// Can another text be taken?
    var hasRoom: Bool { self.queue.count < Self.longestQueue }

    /// Sends a text when those before it are through.
    func send(_ text: [UInt8]) {
        guard !text.isEmpty else { return }
        self.queue.append(text[...])
        if self.queue.count == 1 { self.sendNow() }
    }

    private func sendNow() {
        while let text = self.queue.first {
            switch self.sendPiece(of: text) {
            case .sent(let bytes):
                self.pauses = 0
                self.queue[0] = text.dropFirst(bytes)
                if self.queue[0].isEmpty { self.queue.removeFirst() }
            case .later where self.pauses < Self.mostPauses:
                self.pauses += 1
                self.loop.schedule(after: Self.pause) { self.sendNow() }
                return
            case .later, .failed:
                self.pauses = 0
                self.queue.removeFirst()
            }
        }
        close(self.descriptor)
        self.descriptor = -1
    }

    private enum Outcome {
        case sent(Int)
        case later
        case failed
    }

    private func sendPiece(of text: ArraySlice<UInt8>) -> Outcome {
        guard let address = UnixAddress(abstract: self.name), self.open() else { return .failed }
        let piece = text.prefix(Self.pieceBytes)
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        let sent = piece.withUnsafeBytes { bytes in
            address.withPointer {
                sendto(self.descriptor, bytes.baseAddress, bytes.count, flags, $0, $1)
            }
        }
        if sent > 0 { return .sent(sent) }
        return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? .later : .failed
    }

    private func open() -> Bool {
        if self.descriptor >= 0 { return true }
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        return self.descriptor >= 0
    }
}
