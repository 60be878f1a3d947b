import Glibc
import LockCore
import LockServer
import Logging
import ServiceLifecycle

/// Puts the parts together, from the options to the running services.
struct Daemon {
    static let version = "0.1.0"

    let options: Options
    let paths: Paths
    /// A listening socket that the service manager made.
    let inheritedSocket: Int32?

    /// Serves until told to end. `whenReady` is called when every socket takes connections.
    func run(whenReady: () -> Void) async throws {
        Self.raiseDescriptorLimit()
        let pidFile = try PidFile(path: self.paths.pidFile)
        defer { pidFile.remove() }
        let loop = try await ServerLoop()
        let log = EventLog(on: loop, output: DaemonLog.output(self.options))
        let (reasons, continuation) = AsyncStream.makeStream(of: StopService.Reason.self)
        let signals = StopSignals { continuation.yield(.signal(name: $0)) }
        defer { signals.cancel() }

        log.log(.warning, "holdfastd started \(Self.version)")
        if self.options.embedded { log.log(.warning, LockManagerRegistry.embeddedNotice) }
        for loss in await LockManagerRegistry.losses(self.options) { log.log(.warning, loss) }
        let hosts = try await self.startHosts(loop, log) { continuation.yield(.quit(host: $0)) }
        ServiceManager.notify("READY=1\nSTATUS=\(self.status)")
        whenReady()

        let stop = StopService(hosts: hosts, reasons: reasons, log: log)
        var configuration = ServiceGroupConfiguration(
            services: hosts.map { .init(service: $0, successTerminationBehavior: .ignore) }
                + [.init(service: stop, successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: Logger(label: "holdfastd") { _ in DaemonLogHandler(log: log) })
        // Its debug lines are about the group itself.
        configuration.logger.logLevel = .warning
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        try await ServiceGroup(configuration: configuration).run()
        ServiceManager.notify("STOPPING=1")
        for host in hosts { await host.locks.shutDown() }
        await loop.shutDown()
    }

    private var status: String {
        if self.options.embedded { return LockManagerRegistry.embeddedNotice }
        return self.options.test ? "test mode" : "serving"
    }

    private func startHosts(
        _ loop: ServerLoop, _ log: EventLog, onQuit: @escaping @Sendable (Int) -> Void
    ) async throws -> [HostService] {
        let hostID = try self.hostID()
        let managers = try LockManagerRegistry.managers(self.options, hostID: hostID)
        var hosts: [HostService] = []
        for (index, managers) in managers.enumerated() {
            let number = index + 1
            let locks = LockService(
                managers: managers,
                configuration: LockService.Configuration(
                    executor: loop.executor, globalLockKind: self.options.globalLockType?.kind,
                    hostID: hostID))
            var configuration = UnixSocketServer.Configuration(
                self.address(ofHost: number), log: log, onQuit: { onQuit(number) })
            configuration.statusForm = self.options.lvmlockctl.form
            if self.options.embedded { configuration.notice = LockManagerRegistry.embeddedNotice }
            do {
                let server = try await UnixSocketServer.start(locks, on: loop, configuration)
                hosts.append(HostService(number: number, locks: locks, server: server, log: log))
            } catch {
                for host in hosts { await host.server.stop() }
                throw error
            }
        }
        return hosts
    }

    private func address(ofHost number: Int) -> UnixSocketServer.Address {
        if let descriptor = self.inheritedSocket {
            return .inherited(descriptor: descriptor, path: self.paths.socket)
        }
        let isOneOfSeveral = self.options.hosts != nil
        return .path(isOneOfSeveral ? self.paths.socket(ofHost: number) : self.paths.socket)
    }

    private func hostID() throws(StartError) -> UInt32? {
        if let number = self.options.hostID?.value, number > 0 { return number }
        guard let path = self.options.hostIDFile else { return nil }
        return try HostIDFile.read(path)
    }

    /// Lets every client have its connection: the usual limit is a quarter of ``Limits/clients``.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(Limits.clients + 256))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
