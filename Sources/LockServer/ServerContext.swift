import LVMWire
import LockCore
import NIOCore

/// What the sessions of one server share. Used on the loop only.
final class ServerContext {
    let service: LockService
    let log: EventLog
    let dumps: DumpSender
    let loop: any EventLoop
    /// Stands in every status.
    let notice: String
    let statusForm: InfoText.Form
    let onQuit: @Sendable () -> Void
    let mostClients: Int

    private var connections: [ObjectIdentifier: any Channel] = [:]
    private(set) var isClosed = false

    init(
        _ service: LockService, on loop: any EventLoop, dumps: DumpSender,
        _ configuration: UnixSocketServer.Configuration
    ) {
        self.service = service
        self.log = configuration.log
        self.dumps = dumps
        self.loop = loop
        self.notice = configuration.notice
        self.statusForm = configuration.statusForm
        self.onQuit = configuration.onQuit
        self.mostClients = configuration.mostClients
    }

    /// How many clients are connected.
    var clients: Int { self.connections.count }

    func opened(_ channel: any Channel) {
        self.connections[ObjectIdentifier(channel)] = channel
    }

    func closed(_ channel: any Channel) {
        self.connections[ObjectIdentifier(channel)] = nil
    }

    /// Ends every connection, and with them the clients' transient locks.
    func closeAll() {
        self.isClosed = true
        for channel in self.connections.values { channel.close(promise: nil) }
    }
}
