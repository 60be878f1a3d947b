import Glibc

/// The built holdfastd, or a shell around it, as a process of its own. Killed with the object.
final class ChildProcess {
    /// What ended a process.
    enum End: Hashable {
        case exit(status: Int32)
        case signal(Int32)
        case stillRunning
    }

    /// The program that was built together with these tests.
    static let daemon: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let bytes = path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        let folder = bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)]
        return String(decoding: folder, as: UTF8.self) + "/holdfastd"
    }()

    let processID: pid_t
    private let folder: Folder
    private let outputPath: String
    private var end: End?

    init(
        _ words: [String], in folder: Folder, environment: [String] = [], descriptor3: Int32? = nil
    ) throws {
        self.folder = folder
        self.outputPath = folder["output.\(UInt32.random(in: 0...UInt32.max))"]
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, self.outputPath, O_CREAT | O_WRONLY, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)
        if let descriptor3 { posix_spawn_file_actions_adddup2(&files, descriptor3, 3) }
        let argv = words.map { strdup($0) }
        let envp = (["PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no"] + environment).map {
            strdup($0)
        }
        defer { for pointer in argv + envp { free(pointer) } }
        var process: pid_t = 0
        let status = posix_spawn(&process, words[0], &files, nil, argv + [nil], envp + [nil])
        self.processID = process
        guard status == 0 else {
            errno = status
            throw RawClient.Failure("posix_spawn \(words[0])")
        }
    }

    deinit {
        guard self.end == nil else { return }
        kill(self.processID, SIGKILL)
        waitpid(self.processID, nil, 0)
    }

    /// Standard output and standard error, so far.
    var output: String {
        let descriptor = open(self.outputPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    func signal(_ number: Int32) {
        kill(self.processID, number)
    }

    /// Waits for the end.
    func wait(seconds: Int = 20) -> End {
        if let end = self.end { return end }
        for _ in 0..<seconds * 500 {
            var status: Int32 = 0
            if waitpid(self.processID, &status, WNOHANG) == self.processID {
                let signal = status & 0x7F
                let end: End = signal == 0 ? .exit(status: (status >> 8) & 0xFF) : .signal(signal)
                self.end = end
                return end
            }
            usleep(2000)
        }
        return .stillRunning
    }

    /// Waits until a socket takes connections.
    func client(on path: String) throws -> RawClient {
        for _ in 0..<10_000 {
            if let client = try? RawClient(path) { return client }
            guard self.wait(seconds: 0) == .stillRunning, self.end == nil else { break }
            usleep(2000)
        }
        throw RawClient.Failure("the daemon does not listen: \(self.output)")
    }

    /// Waits until the output holds a text.
    func says(_ text: String) -> Bool {
        for _ in 0..<10_000 {
            if self.output.contains(text) { return true }
            usleep(2000)
        }
        return false
    }
}

/// What a process that nobody here has started does, by the number in its pid file.
struct BackgroundDaemon {
    let processID: pid_t

    init?(pidFile: String) {
        let descriptor = open(pidFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard text.hasSuffix("\n"), let number = pid_t(text.dropLast()) else { return nil }
        self.processID = number
    }

    func link(_ name: String) -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/\(self.processID)/\(name)", &path, path.count - 1)
        let bytes = path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Is it gone, or at least dead?
    func hasEnded() -> Bool {
        for _ in 0..<10_000 {
            if kill(self.processID, 0) != 0 || self.link("exe").isEmpty { return true }
            usleep(2000)
        }
        return false
    }
}
