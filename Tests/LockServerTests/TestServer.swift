import DaemonHarness
import Foundation
import Glibc
import LockCore
import LockInMemory

@testable import LockServer

/// A server in this process on a socket of its own, with a lock manager in memory.
final class TestServer: Sendable {
    let folder: Folder
    let path: String
    let dumpSocket: String
    let log: EventLog
    private let loop: ServerLoop
    private let server: UnixSocketServer
    private let service: LockService

    init(
        mostClients: Int = Limits.clients, onQuit: @escaping @Sendable () -> Void = {}
    ) async throws {
        Self.allowManyDescriptors()
        self.folder = Folder()
        self.path = self.folder["socket"]
        self.dumpSocket = "holdfast-dump-\(self.path)"
        self.loop = try await ServerLoop(dumpSocket: self.dumpSocket)
        self.log = EventLog(on: self.loop)
        let kind = LockManagerKind(rawValue: "dlm")
        let dlm = InMemoryCluster.Configuration.presenting(kind) ?? .native
        self.service = LockService(
            managers: [InMemoryCluster(dlm).host(1)],
            configuration: LockService.Configuration(executor: self.loop.executor))
        var configuration = UnixSocketServer.Configuration(
            .path(self.path), log: self.log, onQuit: onQuit)
        configuration.mostClients = mostClients
        configuration.notice = "a note for the status"
        self.server = try await UnixSocketServer.start(
            self.service, on: self.loop, configuration)
    }

    /// Runs a test's blocking calls on a thread of its own, then ends the server.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (TestServer) throws -> Result
    ) async throws -> Result {
        let result = await Swift.Result { try await onOwnThread { try body(self) } }
        await self.server.stop()
        await self.service.shutDown()
        await self.loop.shutDown()
        return try result.get()
    }

    func client() throws -> RawClient {
        try RawClient(self.path)
    }

    /// A client of a volume group that has been started.
    func client(starting group: String) throws -> RawClient {
        let client = try self.client()
        let reply = try client.call(
            "start_vg", ("vg_name", group), ("vg_lock_type", "dlm"), ("opts", "wait"),
            ("vg_lock_args", "1.0.0:holdfast"), ("version", "1"))
        guard reply["op_result"] == "0" else { throw RawClient.Failure("start_vg: \(reply)") }
        return client
    }

    private static func allowManyDescriptors() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }
}

extension Swift.Result where Failure == any Error, Success: Sendable {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

extension RawClient {
    func lockGroup(_ group: String, _ mode: String) throws -> String? {
        try self.call("lock_vg", ("vg_name", group), ("mode", mode))["op_result"]
    }
}
