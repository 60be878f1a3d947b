import DaemonHarness
import Foundation

/// How a command ended, and what it said to the lock daemon.
struct RecordedRun {
    var exitStatus: Int32
    /// Standard output and standard error, as they came.
    var output: String
    var connections: [[Exchange]]

    var outputLines: [String] {
        self.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Stands between the commands and the daemon's socket and writes down both directions.
///
/// Works only while a command runs, on the thread that runs it.
final class RecordingRelay {
    private let listener: Int32
    private let daemonPath: String
    private var connections: [RelayedConnection] = []

    init(listenPath: String, daemonPath: String) throws {
        self.listener = try listeningSocket(path: listenPath)
        self.daemonPath = daemonPath
    }

    deinit {
        close(self.listener)
    }

    /// Runs a command to its end.
    func record(_ command: Command) throws -> RecordedRun {
        let (reading, writing) = try FileHandle.connectedPair()
        let process = try command.start(output: .descriptor(writing.fileDescriptor))
        try writing.close()
        self.connections = []
        let output = try self.pump(until: reading.fileDescriptor)
        return RecordedRun(
            exitStatus: process.wait().status, output: output,
            connections: self.connections.map(\.exchanges))
    }

    /// Passes bytes along until the command's output ends and its connections are closed.
    private func pump(until outputDescriptor: Int32) throws -> String {
        var output: [UInt8] = []
        var outputEnded = false
        while !outputEnded || self.connections.contains(where: \.isOpen) {
            let open = self.connections.filter(\.isOpen)
            var waits = [self.listener] + (outputEnded ? [] : [outputDescriptor])
            for connection in open { waits += [connection.client, connection.daemon] }
            var polled = waits.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), 60_000) > 0 else {
                throw HarnessError("nothing happened for a minute")
            }
            let ready = Set(polled.filter { $0.revents != 0 }.map(\.fd))
            for connection in open { connection.passOn(ready) }
            if ready.contains(self.listener) {
                let client = accept(self.listener, nil, nil)
                let daemon = try connectedSocket(path: self.daemonPath)
                self.connections.append(RelayedConnection(client: client, daemon: daemon))
            }
            if ready.contains(outputDescriptor) {
                let bytes = availableBytes(outputDescriptor)
                output += bytes
                outputEnded = bytes.isEmpty
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

/// Both ends of one connection, and what went through it.
private final class RelayedConnection {
    let client: Int32
    let daemon: Int32
    private(set) var isOpen = true
    private var requests: [UInt8] = []
    private var replies: [UInt8] = []

    init(client: Int32, daemon: Int32) {
        self.client = client
        self.daemon = daemon
    }

    var exchanges: [Exchange] {
        Exchange.all(
            requests: String(decoding: self.requests, as: UTF8.self),
            replies: String(decoding: self.replies, as: UTF8.self))
    }

    func passOn(_ ready: Set<Int32>) {
        if ready.contains(self.client) {
            self.requests += self.pass(from: self.client, to: self.daemon)
        }
        if self.isOpen, ready.contains(self.daemon) {
            self.replies += self.pass(from: self.daemon, to: self.client)
        }
    }

    private func pass(from source: Int32, to target: Int32) -> [UInt8] {
        let bytes = availableBytes(source)
        if bytes.isEmpty {
            close(self.client)
            close(self.daemon)
            self.isOpen = false
        } else {
            _ = send(target, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        return bytes
    }
}

/// What can be read at once; nothing at the end.
private func availableBytes(_ descriptor: Int32) -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    let count = read(descriptor, &chunk, chunk.count)
    return Array(chunk.prefix(max(count, 0)))
}
