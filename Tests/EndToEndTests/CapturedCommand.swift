import DaemonHarness
import Foundation

/// One request and its reply, which is absent where none came.
struct Exchange {
    var request: Message
    var reply: Message?

    /// What two directions of a connection said to each other.
    static func all(requests: String, replies: String) -> [Exchange] {
        let requests = Message.all(in: requests)
        let replies = Message.all(in: replies)
        return requests.enumerated().map { index, request in
            Exchange(
                request: request, reply: index < replies.count ? replies[index] : nil)
        }
    }
}

/// One file of captured traffic: a command that was run against lvmlockd, and what was said.
struct CapturedCommand: CustomStringConvertible {
    /// Such as `02-vgcreate`.
    let name: String
    let words: [String]
    let exitStatus: Int32
    let output: [String]
    let connections: [[Exchange]]

    var description: String { "\(self.name): \(self.words.joined(separator: " "))" }

    /// All captures of one folder, such as `T-dlm`, in the order in which they were made.
    static func all(in folder: String) throws -> [CapturedCommand] {
        let path = "\(Repository.root)/Tests/Captured/lvmlockd-2.03.16/\(folder)"
        return try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { file in
            try CapturedCommand(path: "\(path)/\(file)")
        }
    }

    private init(path: String) throws {
        var words: [String]?
        var exitStatus: Int32?
        var output: [String] = []
        var requests: [Substring: String] = [:]
        var replies: [Substring: String] = [:]
        var connection: Substring = ""
        // Line by line: "# header", "[conn 1 +2.3ms] > request", and the bytes of it as
        // "> " or "< " and a quoted string.
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            if let value = line.value(after: "# command: ") {
                words = value.split(separator: " ").map(String.init)
            } else if let value = line.value(after: "# exit status: ") {
                exitStatus = value.split(separator: ",").first.flatMap { Int32($0) }
            } else if let value = line.value(after: "# output: ") {
                output.append(String(value))
            } else if let value = line.value(after: "[conn ") {
                connection = value.prefix { $0 != " " }
            } else if let value = line.value(after: "> \"") {
                requests[connection, default: ""] += unescaped(value)
            } else if let value = line.value(after: "< \"") {
                replies[connection, default: ""] += unescaped(value)
            }
        }
        guard let words, let exitStatus else { throw HarnessError("not a capture: \(path)") }
        self.name = URL(filePath: path).deletingPathExtension().lastPathComponent
        self.words = words
        self.exitStatus = exitStatus
        self.output = output
        self.connections = requests.keys.sorted().map { connection in
            Exchange.all(
                requests: requests[connection] ?? "", replies: replies[connection] ?? "")
        }
    }
}

extension Substring {
    fileprivate func value(after prefix: String) -> Substring? {
        self.hasPrefix(prefix) ? self.dropFirst(prefix.count) : nil
    }
}

/// The bytes of a quoted line, whose closing quote is still there.
private func unescaped(_ text: Substring) -> String {
    String(text.dropLast()).replacing("\\n", with: "\n").replacing("\\\"", with: "\"")
}
