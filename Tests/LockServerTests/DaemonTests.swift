import DaemonHarness
import Glibc
import Testing

/// The built daemon as a process: how it starts, serves and ends.
struct DaemonTests {
    /// A folder and the daemon's words for a socket and pid file in it.
    struct Place: Sendable {
        let folder = Folder()
        var socket: String { self.folder["socket"] }
        var pidFile: String { self.folder["pid"] }

        func start(
            _ words: [String], environment: [String: String] = [:], descriptor3: Int32? = nil
        ) throws -> DaemonProcess {
            try DaemonProcess(
                [Repository.product("holdfastd")] + words + [
                    "-s", self.socket, "-p", self.pidFile,
                ],
                in: self.folder, environment: environment, descriptor3: descriptor3)
        }
    }

    static func startGroup(
        _ client: RawClient, _ kind: String = "dlm", cluster: String = "test"
    ) throws -> String? {
        try client.call(
            "start_vg", ("vg_name", "vg0"), ("vg_lock_type", kind), ("opts", "wait"),
            ("vg_lock_args", "1.0.0:\(cluster)"), ("version", "1"))["op_result"]
    }

    // MARK: In the background

    @Test func `the command returns when the daemon serves`() async throws {
        try await onOwnThread {
            let place = Place()
            let command = try place.start(["--test"])
            #expect(command.wait() == .exit(status: 0), "\(command.output)")
            // No waiting: the socket is there when the command has returned.
            #expect(try RawClient(place.socket).call("hello")["protocol"] == "lvmlockd")
            let daemon = try #require(BackgroundDaemon(pidFile: place.pidFile))
            #expect(daemon.processID != command.processID)
            #expect(daemon.link("cwd") == "/")
            for descriptor in 0...2 { #expect(daemon.link("fd/\(descriptor)") == "/dev/null") }
            #expect(getsid(daemon.processID) == daemon.processID)
            kill(daemon.processID, SIGTERM)
            #expect(daemon.hasEnded())
            #expect(access(place.pidFile, F_OK) != 0)
            #expect(access(place.socket, F_OK) != 0)
        }
    }

    @Test func `a client that finds no descriptor left is served later`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try DaemonProcess(
                [
                    "/bin/sh", "-c", "ulimit -n 128; exec \"$0\" \"$@\"",
                    Repository.product("holdfastd"), "--test", "-f",
                    "-s", place.socket, "-p", place.pidFile,
                ], in: place.folder)
            var clients = [try daemon.client(on: place.socket)]
            for _ in 0..<200 { clients.append(try RawClient(place.socket)) }
            for client in clients { try client.send(frame("hello")) }
            #expect(clients[0].receive()?["protocol"] == "lvmlockd")
            #expect(clients[200].receive(withinSeconds: 0) == nil)
            clients.removeFirst(190)
            for client in clients { #expect(client.receive()?["protocol"] == "lvmlockd") }
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exit(status: 0), "\(daemon.output)")
        }
    }

    @Test func `an error of the background process is the command's`() async throws {
        try await onOwnThread {
            let place = Place()
            let first = try place.start(["--test", "-f"])
            _ = try first.client(on: place.socket)
            let second = try place.start(["--test"])
            #expect(second.wait() == .exit(status: 1))
            #expect(second.output.contains("running already as process \(first.processID)"))
            first.signal(SIGTERM)
            #expect(first.wait() == .exit(status: 0))
        }
    }

    @Test func `relative paths are those of the command's directory`() async throws {
        try await onOwnThread {
            let folder = Folder()
            let script = "cd \(folder.path) && exec \(Repository.product("holdfastd")) -T -s s -p p"
            let command = try DaemonProcess(["/bin/sh", "-c", script], in: folder)
            #expect(command.wait() == .exit(status: 0), "\(command.output)")
            #expect(try RawClient(folder["s"]).call("quit")["result"] == "0")
            let daemon = BackgroundDaemon(pidFile: folder["p"])
            #expect(daemon?.hasEnded() ?? true)
        }
    }

    // MARK: Signals and quit

    @Test(arguments: [SIGTERM, SIGINT])
    func `one signal stops what holds no locks and ends`(_ signal: Int32) async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--test", "-f"])
            let client = try daemon.client(on: place.socket)
            #expect(try Self.startGroup(client) == "0")
            daemon.signal(signal)
            #expect(daemon.wait() == .exit(status: 0), "\(daemon.output)")
            #expect(client.isClosed())
        }
    }

    @Test func `a signal does not end what holds locks`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--test", "-D"])
            let client = try daemon.client(on: place.socket)
            #expect(try Self.startGroup(client) == "0")
            #expect(try client.lockGroup("vg0", "ex") == "0")
            daemon.signal(SIGTERM)
            #expect(daemon.says("not ending, because locks are held: lvm_vg0: VGLK exclusive"))
            #expect(try client.lockGroup("vg0", "un") == "0")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exit(status: 0))
        }
    }

    @Test func `other signals change nothing`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--test", "-f"])
            let client = try daemon.client(on: place.socket)
            for signal in [SIGHUP, SIGPIPE] { daemon.signal(signal) }
            #expect(try client.call("hello")["response"] == "OK")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exit(status: 0))
        }
    }

    @Test func `quit ends the daemon when nothing is in use`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--test", "-f"])
            let client = try daemon.client(on: place.socket)
            #expect(try Self.startGroup(client) == "0")
            #expect(try client.call("quit")["result"] == "-16")
            #expect(try client.call("stop_all", ("opts", "wait"))["op_result"] == "0")
            #expect(try client.call("quit")["result"] == "0")
            #expect(daemon.wait() == .exit(status: 0))
            #expect(access(place.pidFile, F_OK) != 0)
        }
    }

    // MARK: Modes

    @Test func `without a lock manager that runs it serves, and says that there is none`()
        async throws
    {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["-f"])
            let client = try daemon.client(on: place.socket)
            #expect(try client.call("running_lm")["op_result"] == "-37")
            #expect(try Self.startGroup(client) != "0")
        }
    }

    @Test(arguments: ["dlm", "idm"])
    func `test mode serves every lock type`(_ kind: String) async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["-T", "-f"])
            let client = try daemon.client(on: place.socket)
            #expect(try client.call("running_lm")["op_result"] == "-37")
            #expect(try Self.startGroup(client, kind) == "0")
            #expect(try client.call("running_lm")["op_result"] == (kind == "dlm" ? "2" : "4"))
        }
    }

    @Test func `an embedded daemon says that it is one`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--embedded", "-f"])
            let client = try daemon.client(on: place.socket)
            #expect(daemon.output.contains("embedded: locks are valid on this machine only"))
            #expect(try client.call("running_lm")["op_result"] == "2")
        }
    }

    @Test func `two hosts in one process are in each other's way`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--embedded", "--hosts", "2", "-f"])
            let clients = try [1, 2].map { try daemon.client(on: "\(place.socket).\($0)") }
            for client in clients {
                #expect(try Self.startGroup(client, cluster: "holdfast") == "0")
            }
            let volume = [("vg_name", "vg0"), ("lv_uuid", "u1"), ("mode", "ex")]
            try clients[0].send(frame("lock_lv", volume))
            #expect(clients[0].receive()?["op_result"] == "0")
            try clients[1].send(frame("lock_lv", volume))
            #expect(clients[1].receive()?["op_result"] == "-11")
            for client in clients {
                try client.send(frame("lock_lv", volume.dropLast() + [("mode", "un")]))
                _ = client.receive()
                _ = try client.call("stop_all", ("opts", "wait"))
            }
            // The process serves the second host until that quits, too.
            #expect(try clients[0].call("quit")["result"] == "0")
            #expect(clients[0].isClosed())
            #expect(try clients[1].call("quit")["result"] == "0")
            #expect(daemon.wait() == .exit(status: 0))
        }
    }
}
