import Glibc
import LVMClient
import LVMWire

/// A volume group on sanlock that exists for the lock daemon alone: its leases are on a volume, and
/// no LVM knows of it.
final class LeasedGroup {
    private static let name = "bench"
    /// The volume with the leases, as /dev/mapper has it behind the group's name.
    private static let volume = "lvmlock"
    private static let hostID: Int64 = 1

    private let connection: LockdConnection
    private let arguments: ClientRequest.Value
    private let leases: [ClientRequest.Value]

    /// Writes the group's leases, joins it, and makes a lease for each lock.
    init(_ connection: LockdConnection, locks: Int) throws(ClientError) {
        self.connection = connection
        let group = try connection.call(
            ClientRequest("init_vg", Self.fields(arguments: .string(Self.volume))))
        let arguments = try Self.argument("vg_lock_args", of: group)
        self.arguments = arguments
        try Load.check(try connection.call(Self.start(arguments)), 0)
        try Load.awaitStart(connection, [Requests.group("sh"), Requests.group("un")])
        var leases: [ClientRequest.Value] = []
        for lock in 0..<locks {
            var request = ClientRequest("init_lv", Self.fields(arguments: arguments))
            Self.addVolume(lock, to: &request)
            leases.append(try Self.argument("lv_lock_args", of: try connection.call(request)))
        }
        self.leases = leases
    }

    /// What a client sends in turn: an ex and an un for each of its locks.
    func cycle(client: Int) -> [ClientRequest] {
        let count = Workload.leasesPerClient
        return (client * count..<(client + 1) * count).flatMap { lock in
            ["ex", "un"].map { self.lock(lock, $0) }
        }
    }

    /// Leaves the group's lockspace.
    func stop() throws(ClientError) {
        let request = ClientRequest(
            "stop_vg", ["pid": .integer(Int64(getpid())), "vg_name": .string(Self.name)])
        try Load.check(try self.connection.call(request), 0)
    }

    private func lock(_ lock: Int, _ mode: String) -> ClientRequest {
        var request = Requests.common("lock_lv", mode, options: "persistent")
        request.add("vg_name", .string(Self.name))
        Self.addVolume(lock, to: &request)
        request.add("vg_lock_type", "sanlock")
        request.add("vg_lock_args", self.arguments)
        request.add("lv_lock_args", self.leases[lock])
        return request
    }

    private static func start(_ arguments: ClientRequest.Value) -> ClientRequest {
        var request = ClientRequest("start_vg", self.fields(arguments: arguments))
        request.add("vg_uuid", .string(Requests.uuid(self.name)))
        request.add("version", 1)
        request.add("host_id", .integer(self.hostID))
        request.add("opts", "start_init")
        return request
    }

    private static func fields(
        arguments: ClientRequest.Value
    ) -> KeyValuePairs<String, ClientRequest.Value> {
        [
            "pid": .integer(Int64(getpid())), "vg_name": .string(self.name),
            "vg_lock_type": "sanlock", "vg_lock_args": arguments,
        ]
    }

    private static func addVolume(_ lock: Int, to request: inout ClientRequest) {
        request.add("lv_name", .string("l\(lock)"))
        request.add("lv_uuid", .string(Requests.uuid("l\(lock)")))
    }

    /// A field of a reply that tells of success.
    private static func argument(
        _ name: String, of reply: ClientResponse
    ) throws(ClientError) -> ClientRequest.Value {
        try Load.check(reply, 0)
        guard let value = reply[name] else { throw ClientError(.badReply, name) }
        return value
    }
}
