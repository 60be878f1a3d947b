import Foundation

/// What was captured between propeller's C library and its daemon, or its daemon and a drive.
enum CapturedBytes {
    /// What went one way, or the other, in one call.
    struct Call {
        var title: String
        var sent: [UInt8] = []
        var received: [UInt8] = []
    }

    /// The calls of one file, such as `02-lock-ex`.
    static func calls(in file: String) throws -> [Call] {
        var calls: [Call] = []
        var isSent = false
        // One block of bytes: 16 a line, a star for lines like the last, the count at the end.
        var block: [UInt8] = []
        for line in try Self.lines(of: file) {
            let text = line.drop { $0 == " " }
            if line.hasPrefix("== ") {
                calls.append(Call(title: String(line.dropFirst(3))))
            } else if text.hasPrefix("C->D") || text.hasPrefix("D->C") {
                isSent = text.hasPrefix("C->D")
            } else if let end = text.wholeMatch(of: /\((\d+) bytes\)/) {
                block += repeatElement(0, count: (Int(end.1) ?? 0) - block.count)
                if isSent {
                    calls[calls.count - 1].sent += block
                } else {
                    calls[calls.count - 1].received += block
                }
                block = []
            } else if let row = text.wholeMatch(of: /([0-9a-f]{4})  ((?:[0-9a-f]{2} )+) *\|.*/) {
                // Where lines were left out, all bytes are as the last ones were: zero.
                let offset = Int(row.1, radix: 16) ?? 0
                block += repeatElement(0, count: offset - block.count)
                block += bytes(row.2)
            }
        }
        return calls
    }

    /// A command that a drive got, and what it answered.
    struct Command {
        var title: String
        var block: [UInt8]
        var status: String
        var data: [UInt8]
    }

    static func commands() throws -> [Command] {
        var commands: [Command] = []
        for line in try Self.lines(of: "10-scsi-commands") {
            if let head = line.wholeMatch(of: /(sd. +.*?) +CDB ((?:[0-9a-f]{2} )+) *-> (.*)/) {
                commands.append(
                    Command(
                        title: String(head.1), block: bytes(head.2), status: String(head.3),
                        data: [UInt8](repeating: 0, count: 512)))
            } else if let row = line.wholeMatch(of: /\s+([0-9a-f]{3}): (.*)/) {
                let (offset, bytes) = (Int(row.1, radix: 16) ?? 0, bytes(row.2))
                commands[commands.count - 1].data.replaceSubrange(
                    offset..<offset + bytes.count, with: bytes)
            }
        }
        return commands
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Captured/idm")

    /// Names of all that was captured.
    static func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.folder.path)
            .map { URL(filePath: $0).deletingPathExtension().lastPathComponent }
    }

    private static func lines(of file: String) throws -> [Substring] {
        try String(contentsOf: self.folder.appending(path: "\(file).txt"), encoding: .utf8)
            .split(separator: "\n")
    }

    private static func bytes(_ text: Substring) -> [UInt8] {
        text.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }
}
