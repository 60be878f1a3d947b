import CLockServer
import Glibc

/// Takes connections, and makes a session of each.
final class Listener: SocketHandler {
    /// How long no connections are taken when the system has no more descriptors or memory.
    private static let pause = Duration.milliseconds(100)

    private let descriptor: Int32
    private let server: ServerContext
    private(set) var isStopped = false

    init(_ descriptor: Int32, _ server: ServerContext) {
        self.descriptor = descriptor
        self.server = server
    }

    /// Begins to take connections.
    func start(path: String) throws(ServerError) {
        let flags = fcntl(self.descriptor, F_GETFL)
        guard fcntl(self.descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
            listen(self.descriptor, ListeningSocket.backlog) == 0,
            self.server.loop.add(self.descriptor, .readable, self)
        else { throw ListeningSocket.systemError("listen", "listen on \(path)") }
    }

    /// One at a time: to ask for more costs a call that mostly finds none.
    func ready(for events: SocketEvents) {
        let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let connection = accept4(self.descriptor, nil, nil, flags)
        if connection >= 0 { return ClientSession(connection, self.server).start() }
        switch errno {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            self.server.loop.change(self.descriptor, to: [])
            self.server.loop.schedule(after: Self.pause) {
                guard !self.isStopped else { return }
                self.server.loop.change(self.descriptor, to: .readable)
            }
        default: break
        }
    }

    func turnEnds() {}

    /// Takes no more connections and ends those that there are.
    func stop() {
        self.isStopped = true
        self.server.closeAll()
        self.server.loop.close(self.descriptor)
    }
}
