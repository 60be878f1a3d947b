import Foundation

/// Two virtual machines with the kernel's DLM and a shared disk, as Tests/Cluster/rig makes them.
struct Nodes {
    /// Something went wrong with them.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let numbers = [1, 2]
    /// The script.
    let rig: String
    /// The folder that the nodes see at /host.
    let binaries: String

    /// Boots the nodes and lets them form a cluster.
    func boot() throws {
        let owner = "\(ProcessInfo.processInfo.processIdentifier)"
        try self.run(["up", "\(Self.numbers.count)", "--owner", owner])
        try self.run(["cluster", "dlm"])
    }

    /// Turns them off.
    func stop() throws {
        try self.run(["down"])
    }

    /// Runs a shell line on one node; what it prints.
    @discardableResult
    func run(_ line: String, on node: Int) throws -> String {
        try self.run(["exec", "\(node)", line])
    }

    /// Runs a shell line on every node, one after the other.
    func runOnAll(_ line: String) throws {
        for node in Self.numbers { try self.run(line, on: node) }
    }

    /// Runs a shell line on all nodes at the same time; what it prints on each.
    func runAtOnce(_ line: String) throws -> [String] {
        let calls = try Self.numbers.map { try RigCall(self, ["exec", "\($0)", line]) }
        return try calls.map { try $0.finish() }
    }

    @discardableResult
    private func run(_ words: [String]) throws -> String {
        try RigCall(self, words).finish()
    }
}

/// The rig at work. What it prints has to fit into a pipe until ``finish()``.
private struct RigCall {
    private let process = Process()
    private let output = Pipe()
    private let words: [String]

    init(_ nodes: Nodes, _ words: [String]) throws {
        self.words = words
        self.process.executableURL = URL(filePath: nodes.rig)
        self.process.arguments = words
        self.process.environment = ProcessInfo.processInfo.environment
            .merging(["RIG_HOST": nodes.binaries]) { $1 }
        self.process.standardInput = FileHandle.nullDevice
        self.process.standardOutput = self.output
        self.process.standardError = self.output
        try self.process.run()
    }

    func finish() throws -> String {
        let data = try self.output.fileHandleForReading.readToEnd() ?? Data()
        let text = String(decoding: data, as: UTF8.self)
        self.process.waitUntilExit()
        let status = self.process.terminationStatus
        guard status == 0 else {
            throw Nodes.Failure(description: "rig \(self.words): status \(status): \(text)")
        }
        return text
    }
}
