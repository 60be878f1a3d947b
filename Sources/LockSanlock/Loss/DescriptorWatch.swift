#if Sanlock
import Dispatch
import Glibc

/// Calls back whenever a file descriptor is readable, until told to stop, or until nobody
/// keeps the watch any more; then lets go of the descriptor.
final class DescriptorWatch {
    private let source: any DispatchSourceRead

    /// `readable` answers whether to go on.
    init(
        _ descriptor: Int32, label: String, readable: @escaping @Sendable () -> Bool,
        close: @escaping @Sendable () -> Void
    ) {
        let source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor, queue: DispatchQueue(label: label))
        self.source = source
        source.setEventHandler { if !readable() { source.cancel() } }
        source.setCancelHandler(handler: close)
        source.activate()
    }

    deinit {
        self.source.cancel()
    }

    /// Notices when a socket to the daemon closes at the other end: the lockspace that it was
    /// registered for has ended, or the daemon has. What other hosts send through it, this
    /// library has no use for.
    static func end(
        of socket: RegisteredSocket, close: @escaping @Sendable (RegisteredSocket) -> Void,
        ended: @escaping @Sendable () -> Void
    ) -> DescriptorWatch {
        DescriptorWatch(
            socket.descriptor, label: "holdfast.sanlock.watch",
            readable: {
                guard Self.isAtEnd(socket.descriptor) else { return true }
                ended()
                return false
            }, close: { close(socket) })
    }

    /// Reads everything there is.
    private static func isAtEnd(_ descriptor: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { buffer in
            while true {
                let count = recv(
                    descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                return count == 0 || errno != EAGAIN
            }
        }
    }
}
#endif
