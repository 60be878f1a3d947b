import Foundation

/// Who is compared: the daemons, and threads that call sanlock's library without one.
enum Peer: String, Codable, CaseIterable, Sendable {
    case holdfast = "Holdfast"
    case lvmlockd
    case direct = "libsanlock"
}

/// Something of the comparison went wrong.
struct CompareError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A daemon in test mode, with a network of its own: daemons send dumps to a socket whose name is
/// known to the network's every process. Ends with ``stop()``.
struct RunningDaemon {
    let socket: String
    /// Its process; the commands that prepare its surroundings become it.
    var processID: Int32 { self.process.processIdentifier }
    private let process = Process()
    private let folder: URL

    init(_ binary: String, on processor: Int?) throws {
        self.folder = FileManager.default.temporaryDirectory
            .appending(path: "lockcompare-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: self.folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let path = { [folder] (name: String) in folder.appending(path: name).path() }
        self.socket = path("socket")
        self.process.executableURL = URL(filePath: "/usr/bin/env")
        self.process.arguments =
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net"]
            + Self.pinning(processor)
            + [binary, "--test", "--foreground", "--gl-type", "dlm"]
            + ["--socket-path", self.socket, "--pid-file", path("pid")]
            + ["--adopt-file", path("adopt")]
        self.process.standardInput = FileHandle.nullDevice
        self.process.standardOutput = FileHandle.nullDevice
        self.process.standardError = FileHandle.nullDevice
        try self.process.run()
        do {
            try Self.awaitSocket(self.socket, of: self.process)
        } catch {
            self.stop()
            throw error
        }
    }

    /// The command that runs another on one processor.
    static func pinning(_ processor: Int?) -> [String] {
        processor.map { ["taskset", "--cpu-list", "\($0)"] } ?? []
    }

    /// Waits until a daemon that was just started listens.
    static func awaitSocket(_ socket: String, of process: Process) throws {
        for _ in 0..<5000 {
            if FileManager.default.fileExists(atPath: socket) {
                // lvmlockd makes the socket before it listens on it.
                usleep(50_000)
                return
            }
            guard process.isRunning else { break }
            usleep(2000)
        }
        throw CompareError("did not start: \(process.arguments ?? [])")
    }

    func stop() {
        kill(self.processID, SIGKILL)
        self.process.waitUntilExit()
        try? FileManager.default.removeItem(at: self.folder)
    }
}
