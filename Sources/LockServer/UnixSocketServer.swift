import Glibc
public import LVMWire
public import LockCore

/// Serves LVM's commands over a unix socket, as lvmlockd does.
///
/// Whatever a client sends, it gets an error reply or a closed connection soon; it can neither
/// stop the server, nor make it grow, nor delay other clients.
public struct UnixSocketServer: Sendable {
    /// Where a server listens.
    public enum Address: Hashable, Sendable {
        /// On a socket that the server makes, with mode 0600, in a directory that nobody but root
        /// or the server's user can write to.
        case path(String)
        /// On a listening socket that the service manager made at that path.
        case inherited(descriptor: Int32, path: String)
    }

    /// How a server serves.
    public struct Configuration: Sendable {
        /// Where it listens.
        public var address: Address
        /// A line that stands in every status; empty for none.
        public var notice = ""
        /// Whose lvmlockctl reads the status: its lines differ between versions.
        public var statusForm = InfoText.Form.lvm2_03_16
        /// Where lines about connections and requests go.
        public var log: EventLog
        /// Called, on the loop, when a client's request to quit has been permitted and answered.
        public var onQuit: @Sendable () -> Void
        /// Connections beyond so many are refused.
        var mostClients = Limits.clients

        /// Describes a server.
        public init(
            _ address: Address, log: EventLog, onQuit: @escaping @Sendable () -> Void = {}
        ) {
            self.address = address
            self.log = log
            self.onQuit = onQuit
        }
    }

    private let loop: EventLoop
    private let listener: LoopBound<Listener>
    /// The file to remove in the end; nil if somebody else made the socket.
    private let ownPath: String?

    /// Starts to take connections. The service must use the loop as its executor.
    ///
    /// - Throws: ``ServerError`` if the socket cannot be made, or must not be made there.
    public static func start(
        _ service: LockService, on loop: ServerLoop, _ configuration: Configuration
    ) async throws(ServerError) -> UnixSocketServer {
        let descriptor: Int32
        let path: String
        var ownPath: String?
        switch configuration.address {
        case .path(let own):
            path = own
            descriptor = try ListeningSocket.make(at: own)
            ownPath = own
        case .inherited(let inherited, let its):
            path = its
            try ListeningSocket.adopt(inherited, path: its)
            descriptor = inherited
        }
        do throws(ServerError) {
            let listener = try await loop.loop.submit {
                Self.listen(descriptor, path, ServerContext(service, on: loop, configuration))
            }.get()
            return UnixSocketServer(loop: loop.loop, listener: listener, ownPath: ownPath)
        } catch {
            close(descriptor)
            if let ownPath { unlink(ownPath) }
            throw error
        }
    }

    /// Takes no more connections and ends those that there are.
    public func stop() async {
        let (listener, path) = (self.listener, self.ownPath)
        await self.loop.submit {
            guard !listener.value.isStopped else { return }
            // The file goes first, so that nobody connects to a server that is about to end.
            if let path { unlink(path) }
            listener.value.stop()
        }
    }

    private static func listen(
        _ descriptor: Int32, _ path: String, _ server: ServerContext
    ) -> Result<LoopBound<Listener>, ServerError> {
        let listener = Listener(descriptor, server)
        do throws(ServerError) {
            try listener.start(path: path)
            return .success(LoopBound(listener, to: server.loop))
        } catch {
            return .failure(error)
        }
    }
}
