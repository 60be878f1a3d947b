// A dispatch source may be used from any thread, and is not marked so.
@preconcurrency import Dispatch
import Glibc

/// A socket at which drivers or agents call.
public struct AgentListener: Sendable {
    /// A stream for each that calls, until ``close()``. One reader.
    public let streams: AsyncStream<AgentStream>
    private let incoming: any DispatchSourceRead
    private let path: String

    /// Listens at the path, in place of whatever is there.
    public init(path: String) throws(FixtureError) {
        let descriptor = try UnixSocket.listening(on: path)
        let (streams, yield) = AsyncStream.makeStream(of: AgentStream.self)
        let queue = DispatchQueue(label: "holdfast.agent-listener")
        let incoming = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        incoming.setEventHandler {
            let socket = accept(descriptor, nil, nil)
            guard socket >= 0 else { return }
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            yield.yield(AgentStream(reading: socket, writing: socket))
        }
        incoming.setCancelHandler {
            yield.finish()
            _ = Glibc.close(descriptor)
        }
        incoming.activate()
        (self.streams, self.incoming, self.path) = (streams, incoming, path)
    }

    /// Ends ``streams``, and removes the socket.
    public func close() {
        // At once: whoever closed it may remove the folder or listen there again.
        unlink(self.path)
        self.incoming.cancel()
    }
}
