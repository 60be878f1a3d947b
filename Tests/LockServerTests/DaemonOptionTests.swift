import DaemonHarness
import Glibc
import Testing

/// The daemon's command line, and what a service manager says to it.
struct DaemonOptionTests {
    typealias Place = DaemonTests.Place

    private static func run(_ words: [String]) throws -> (end: ChildProcess.End?, output: String) {
        let process = try DaemonProcess([Repository.product("holdfastd")] + words, in: Folder())
        return (process.wait(), process.output)
    }

    @Test(arguments: ["-h", "--help", "-V", "--version"])
    func `help and version end well`(_ option: String) async throws {
        try await onOwnThread {
            let (end, output) = try Self.run([option])
            #expect(end == .exit(status: 0))
            #expect(output.contains(option.lowercased().contains("v") ? "0.1.0" : "--socket-path"))
        }
    }

    static let wrong: [[String]] = [
        ["--nonsense"], ["-z"], ["word"], ["-S", "loud"], ["-g", "nfs"], ["-A", "2"], ["-i", "x"],
        ["-i", "2001"], ["-o", "-1"], ["-s"], ["--hosts", "2"], ["--embedded", "--hosts", "0"],
        ["--embedded", "--test"], ["--idm-direct", "--test"], ["--embedded", "--idm-direct"],
    ]

    @Test(arguments: wrong)
    func `a wrong command line ends with status 1 and the reason`(_ words: [String]) async throws {
        try await onOwnThread {
            let (end, output) = try Self.run(words)
            #expect(end == .exit(status: 1))
            #expect(output.hasPrefix("Error:"), "\(output)")
        }
    }

    static let accepted: [[String]] = [
        ["-D"], ["--daemon-debug"], ["-f"], ["--foreground"], ["-fT"],
        ["-f", "-S", "debug"], ["-f", "--syslog-priority", "err"], ["-f", "-Semerg"],
        ["-f", "-g", "sanlock"], ["-f", "--gl-type", "dlm"], ["-f", "-g", "idm"],
        ["-f", "-i", "7"], ["-f", "--host-id", "2000"], ["-f", "-i7"], ["-f", "-i", "0"],
        ["-f", "-o", "10"], ["-f", "--sanlock-timeout", "0"],
        ["-f", "-A", "1"], ["-f", "--adopt", "0"], ["-f", "--adopt-file", "/nonexistent"],
    ]

    @Test(arguments: accepted)
    func `every option of lvmlockd works`(_ words: [String]) async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["--test"] + words)
            #expect(try daemon.client(on: place.socket).call("hello")["response"] == "OK")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exit(status: 0))
        }
    }

    @Test(arguments: ["-F", "--host-id-file"])
    func `a host id file is read, or the start fails`(_ option: String) async throws {
        try await onOwnThread {
            let place = Place()
            let file = place.folder["lvmlocal"]
            let missing = try place.start(["-T", "-f", option, file])
            #expect(missing.wait() == .exit(status: 1))
            #expect(missing.output.contains(file))
            let descriptor = open(file, O_CREAT | O_WRONLY, 0o600)
            let text = Array("# a comment\nhost_id = 7\n".utf8)
            #expect(write(descriptor, text, text.count) == text.count)
            close(descriptor)
            let daemon = try place.start(["-T", "-f", option, file])
            #expect(try daemon.client(on: place.socket).call("hello")["response"] == "OK")
        }
    }

    @Test func `the environment names socket and pid file`() async throws {
        try await onOwnThread {
            let folder = Folder()
            let daemon = try DaemonProcess(
                [Repository.product("holdfastd"), "-T", "-f"], in: folder,
                environment: [
                    "LVM_LVMLOCKD_SOCKET": folder["env-socket"],
                    "LVM_LVMLOCKD_PIDFILE": folder["env-pid"],
                ])
            _ = try daemon.client(on: folder["env-socket"]).call("hello")
            #expect(BackgroundDaemon(pidFile: folder["env-pid"])?.processID == daemon.processID)
        }
    }

    @Test func `debug lines go to the terminal`() async throws {
        try await onOwnThread {
            let place = Place()
            let daemon = try place.start(["-T", "-D"])
            _ = try daemon.client(on: place.socket).call("hello", ("cmd", "probe"))
            #expect(daemon.says("recv probe["))
        }
    }

    // MARK: Service managers

    @Test func `a socket that the service manager made is served and kept`() async throws {
        try await onOwnThread {
            let place = Place()
            let listener = try Self.listen(on: place.socket)
            defer { close(listener) }
            let daemon = try Self.startActivated(place, listener, count: 1)
            let client = try RawClient(place.socket)
            #expect(try client.call("hello")["response"] == "OK")
            #expect(try client.call("quit")["result"] == "0")
            #expect(daemon.wait() == .exit(status: 0), "\(daemon.output)")
            #expect(access(place.socket, F_OK) == 0)
        }
    }

    @Test func `a socket of another path is refused`() async throws {
        try await onOwnThread {
            let place = Place()
            let listener = try Self.listen(on: place.folder["other"])
            defer { close(listener) }
            let daemon = try Self.startActivated(place, listener, count: 1)
            #expect(daemon.wait() == .exit(status: 1))
            #expect(daemon.output.contains("ListenStream="))
        }
    }

    @Test func `several sockets are refused`() async throws {
        try await onOwnThread {
            let place = Place()
            let listener = try Self.listen(on: place.socket)
            defer { close(listener) }
            let daemon = try Self.startActivated(place, listener, count: 2)
            #expect(daemon.wait() == .exit(status: 1))
            #expect(daemon.output.contains("2 sockets"))
        }
    }

    @Test(arguments: [true, false])
    func `the service manager hears when the daemon is ready`(_ isAbstract: Bool) async throws {
        try await onOwnThread {
            let place = Place()
            let name = place.folder["notify"]
            let receiver = try DatagramReceiver(name, isAbstract: isAbstract)
            let daemon = try place.start(
                ["--embedded", "-f"],
                environment: ["NOTIFY_SOCKET": "\(isAbstract ? "@" : "")\(name)"])
            let message = receiver.receiveOne()
            #expect(message.split(separator: "\n").contains("READY=1"))
            #expect(message.contains("embedded: locks are valid on this machine only"))
            // Ready means that a client is served at once.
            #expect(try RawClient(place.socket).call("hello")["response"] == "OK")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exit(status: 0))
        }
    }

    private static func listen(on path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withUnixAddress(path) { bind(descriptor, $0, $1) }
        guard result == 0, Glibc.listen(descriptor, 16) == 0 else {
            throw RawClient.Failure("listen on \(path)")
        }
        return descriptor
    }

    private static func startActivated(
        _ place: Place, _ listener: Int32, count: Int
    ) throws -> DaemonProcess {
        let words = "\(Repository.product("holdfastd")) -T -s \(place.socket) -p \(place.pidFile)"
        let script = "LISTEN_PID=$$ exec \(words)"
        return try DaemonProcess(
            ["/bin/sh", "-c", script], in: place.folder,
            environment: ["SD_ACTIVATION": "1", "LISTEN_FDS": "\(count)"], descriptor3: listener)
    }
}
