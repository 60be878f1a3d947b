import DaemonHarness
import Glibc

/// The built holdfastd, or a shell around it, as a process of its own. Killed with the object.
final class DaemonProcess {
    private let process: ChildProcess
    private let folder: Folder
    private let outputPath: String
    private var end: ChildProcess.End?

    init(
        _ words: [String], in folder: Folder, environment: [String: String] = [:],
        descriptor3: Int32? = nil
    ) throws {
        self.folder = folder
        self.outputPath = folder["output.\(UInt32.random(in: 0...UInt32.max))"]
        let settings = environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        self.process = try Command(words, environment: settings)
            .start(output: .file(self.outputPath), third: descriptor3)
    }

    deinit {
        if self.end == nil { self.process.kill() }
    }

    var processID: pid_t { self.process.id }

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
        self.process.send(number)
    }

    /// Waits for the end; nil if it does not come in time.
    func wait(seconds: Int = 20) -> ChildProcess.End? {
        for _ in 0..<seconds * 500 where self.end == nil {
            if self.process.isRunning {
                usleep(2000)
            } else {
                self.end = self.process.wait()
            }
        }
        return self.end
    }

    /// Waits until a socket takes connections.
    func client(on path: String) throws -> RawClient {
        for _ in 0..<10_000 {
            if let client = try? RawClient(path) { return client }
            guard self.process.isRunning else { break }
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
