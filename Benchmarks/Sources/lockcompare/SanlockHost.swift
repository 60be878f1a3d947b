import Foundation

/// A machine of its own with a volume for leases and a sanlock daemon (see `Tests/sandbox`). Lasts
/// as long as the object, or this process.
///
/// sanlock runs without a watchdog, under a fixed name: the volume's owner before is then itself,
/// and it need not wait until that one is surely dead.
final class SanlockHost {
    /// Where lock daemons look for the leases of the volume group `bench`.
    static let volume = "/dev/mapper/bench-lvmlock"
    private static let size = "256M"

    private let folder: URL
    private let sandbox = Process()
    private let lifeline = Pipe()
    private let processID: String

    init(sandbox: String) throws {
        self.folder = FileManager.default.temporaryDirectory
            .appending(path: "lockcompare-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: self.folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let ready = Pipe()
        self.sandbox.executableURL = URL(filePath: sandbox)
        self.sandbox.arguments = [self.folder.path(), Self.size, "bench-lvmlock"]
        self.sandbox.standardInput = self.lifeline
        self.sandbox.standardOutput = ready
        try self.sandbox.run()
        try ready.fileHandleForWriting.close()
        let words = String(decoding: ready.fileHandleForReading.availableData, as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == "ready" else {
            throw CompareError("\(sandbox) did not start; it has to run as root")
        }
        self.processID = String(words[1])
        try self.startSanlock()
    }

    deinit {
        try? self.lifeline.fileHandleForWriting.close()
        self.sandbox.waitUntilExit()
        try? FileManager.default.removeItem(at: self.folder)
    }

    private func startSanlock() throws {
        try FileManager.default.createDirectory(
            at: self.outside("/run/sanlock"), withIntermediateDirectories: true)
        _ = try self.start(
            ["sanlock", "daemon", "-D", "-w", "0", "-U", "root", "-G", "root", "-e", "bench"])
        for _ in 0..<500 {
            if Programs.line(self.inside(["sanlock", "client", "version"])) != nil { return }
            usleep(10_000)
        }
        throw CompareError("sanlock did not start")
    }

    /// The command that runs another inside, where it dies with whoever started it.
    func inside(_ words: [String]) -> [String] {
        ["nsenter", "--target", self.processID, "--mount", "--net", "--pid", "--"]
            + ["setpriv", "--pdeathsig", "KILL", "--", "env", "SANLOCK_PRIVILEGED=0"]
            + ["SANLOCK_RUN_DIR=/run/sanlock", "LVM_SYSTEM_DIR=\(self.folder.path())/etc"] + words
    }

    /// Starts a program inside that nobody listens to.
    func start(_ words: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = self.inside(words)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// The path outside of a path under the machine's /run.
    func outside(_ path: String) -> URL {
        self.folder.appending(path: path)
    }
}
