package import LVMClient
import Glibc
import LVMWire

/// A workload against a daemon's socket.
package struct Load {
    private let path: String
    private let workload: Workload
    private let daemon: Int32?

    /// With the daemon's process id the report tells what the daemon used.
    package init(_ workload: Workload, socket path: String, daemon: Int32? = nil) {
        self.path = path
        self.workload = workload
        self.daemon = daemon
    }

    /// Starts the volume group, takes the locks to be held, and measures.
    package func run() throws(ClientError) -> LoadReport {
        if self.workload.kind == .leased { return try self.runLeased() }
        let connection = try self.connect()
        try Self.start(connection)
        for number in 0..<self.workload.held {
            try Self.check(try connection.call(Requests.hold(number)), 0)
        }
        let meter = Meter(self.workload, daemon: self.daemon)
        if self.workload.connects {
            try ConnectingClient(self.path, self.workload).run(meter)
        } else if self.workload.clients == 1 {
            try SingleClient(try self.connect(), self.workload).run(meter)
        } else {
            var connections: [LockdConnection] = []
            for _ in 0..<self.workload.clients { connections.append(try self.connect()) }
            try ManyClients(connections, self.workload).run(meter)
        }
        return meter.report()
    }

    /// On sanlock: makes the volume group and its leases anew, measures, and stops the group, so
    /// that another daemon can have the volume.
    private func runLeased() throws(ClientError) -> LoadReport {
        let group = try LeasedGroup(try self.connect(), locks: self.workload.leases)
        var connections: [LockdConnection] = []
        for _ in 0..<self.workload.clients { connections.append(try self.connect()) }
        let meter = Meter(self.workload, daemon: self.daemon)
        let cycles = connections.indices.map { group.cycle(client: $0) }
        try ManyClients(connections, self.workload, cycles: cycles).run(meter)
        try group.stop()
        return meter.report()
    }

    private func connect() throws(ClientError) -> LockdConnection {
        let connection = try LockdConnection(to: self.path, receiveTimeout: .seconds(30))
        try connection.hello()
        return connection
    }

    /// Starts the volume group's lockspace and the global one, which the first lock starts.
    private static func start(_ connection: LockdConnection) throws(ClientError) {
        // A daemon that was measured before has the volume group already.
        try self.check(try connection.call(Requests.start), 0, -17)
        try self.awaitStart(connection, Requests.probes)
    }

    /// Sends each of the requests until it is not refused because a lockspace is starting.
    static func awaitStart(
        _ connection: LockdConnection, _ probes: [ClientRequest]
    ) throws(ClientError) {
        for probe in probes {
            var reply = try connection.call(probe)
            while reply.result?.rawValue == -211 {
                usleep(2000)
                reply = try connection.call(probe)
            }
            try self.check(reply, 0)
        }
    }

    /// Throws unless the reply has one of these results.
    static func check(
        _ reply: ClientResponse, _ allowed: Int32...
    ) throws(ClientError) {
        guard let result = reply.result?.rawValue, allowed.contains(result) else {
            throw ClientError(.refused, "\(reply.fields)")
        }
    }
}
