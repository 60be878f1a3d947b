import Glibc
import LockCore
import Testing

@testable import LockServer

/// Where a server listens, and where it refuses to.
struct SocketTests {
    @Test func `the socket is its owner's alone`() async throws {
        try await TestServer().run { server in
            var status = stat()
            #expect(lstat(server.path, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFSOCK)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `the socket is gone after the server`() async throws {
        let server = try await TestServer()
        try await server.run { _ in }
        #expect(access(server.path, F_OK) != 0)
    }

    @Test func `a missing directory is made for its owner alone`() throws {
        let folder = Folder()
        let descriptor = try ListeningSocket.make(at: folder["run"] + "/socket")
        defer {
            close(descriptor)
            unlink(folder["run"] + "/socket")
        }
        var status = stat()
        #expect(stat(folder["run"], &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test(arguments: [0o777, 0o775, 0o757] as [mode_t])
    func `a directory that others may write to is refused`(_ mode: mode_t) {
        let folder = Folder()
        chmod(folder.path, mode)
        Self.expectRefusal(.badDirectory, at: folder["socket"])
        #expect(access(folder["socket"], F_OK) != 0)
    }

    @Test func `a directory of another user is refused`() {
        guard geteuid() == 0 else { return }
        let folder = Folder()
        chown(folder.path, 12345, 0)
        Self.expectRefusal(.badDirectory, at: folder["socket"])
    }

    @Test func `a path that cannot be a socket's is refused`() {
        Self.expectRefusal(.badPath, at: "")
        Self.expectRefusal(.badPath, at: "/" + String(repeating: "x", count: 200))
        Self.expectRefusal(.badDirectory, at: "/nonexistent/folder/socket")
        Self.expectRefusal(.badDirectory, at: "/dev/null/socket")
    }

    @Test func `what is no socket is left alone`() {
        let folder = Folder()
        close(open(folder["socket"], O_CREAT | O_WRONLY, 0o600))
        Self.expectRefusal(.notOurs, at: folder["socket"])
        #expect(access(folder["socket"], F_OK) == 0)
    }

    @Test func `a socket on which somebody answers is left alone`() async throws {
        try await TestServer().run { server in
            Self.expectRefusal(.addressInUse, at: server.path)
            let reply = try server.client().call("hello")
            #expect(reply["response"] == "OK")
        }
    }

    @Test func `a left-over socket is replaced`() throws {
        let folder = Folder()
        close(try ListeningSocket.make(at: folder["socket"]))
        #expect(access(folder["socket"], F_OK) == 0)
        close(try ListeningSocket.make(at: folder["socket"]))
    }

    @Test func `only a listening socket of the same path is taken over`() throws {
        let folder = Folder()
        let descriptor = try ListeningSocket.make(at: folder["socket"])
        defer { close(descriptor) }
        #expect(throws: ServerError.self) {
            try ListeningSocket.adopt(descriptor, path: folder["socket"])
        }
        #expect(listen(descriptor, 1) == 0)
        try ListeningSocket.adopt(descriptor, path: folder["socket"])
        #expect(throws: ServerError.self) {
            try ListeningSocket.adopt(descriptor, path: folder["other"])
        }
    }

    @Test func `root and the daemon's own user are served, nobody else`() {
        let (root, own, other): (UInt32, UInt32, UInt32) = (0, 1000, 1001)
        #expect(PeerCredentials(processID: 1, userID: root).isServed(byDaemonOf: own))
        #expect(PeerCredentials(processID: 1, userID: own).isServed(byDaemonOf: own))
        #expect(!PeerCredentials(processID: 1, userID: other).isServed(byDaemonOf: own))
        #expect(!PeerCredentials(processID: 1, userID: other).isServed(byDaemonOf: root))
    }

    private static func expectRefusal(_ code: ServerError.Code, at path: String) {
        let error = #expect(throws: ServerError.self) { close(try ListeningSocket.make(at: path)) }
        #expect(error?.code == code, "\(error as Any)")
    }
}
