import Dispatch
import LVMWire
import LockCore

/// What the sessions of one server share. Used on the loop only.
final class ServerContext {
    let service: LockService
    let log: EventLog
    let dumps: DumpSender
    let loop: EventLoop
    /// Stands in every status.
    let notice: String
    let statusForm: InfoText.Form
    let onQuit: @Sendable () -> Void
    let mostClients: Int

    /// Where what a socket has is read to, before its session takes it.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    /// Where texts are made that take a while.
    let background = DispatchQueue(label: "holdfast.status")

    /// By descriptor.
    private var sessions: [Int32: ClientSession] = [:]

    init(
        _ service: LockService, on loop: ServerLoop, _ configuration: UnixSocketServer.Configuration
    ) {
        self.service = service
        self.log = configuration.log
        self.dumps = loop.dumps.value
        self.loop = loop.loop
        self.notice = configuration.notice
        self.statusForm = configuration.statusForm
        self.onQuit = configuration.onQuit
        self.mostClients = configuration.mostClients
    }

    deinit {
        self.readBuffer.deallocate()
    }

    /// How many clients are connected.
    var clients: Int { self.sessions.count }

    func opened(_ session: ClientSession) {
        self.sessions[session.descriptor] = session
    }

    func closed(_ session: ClientSession) {
        self.sessions[session.descriptor] = nil
    }

    /// Ends every connection, and with them the clients' transient locks.
    func closeAll() {
        for session in self.sessions.values { session.close() }
    }
}
