import Glibc

/// Traffic between lvm2's commands and lvmlockd 2.03.16, recorded byte for byte.
enum Captured {
    /// A request and the reply that followed on its connection, both without the terminator.
    struct Exchange: Sendable, CustomStringConvertible {
        var file: String
        var request: [UInt8]
        var response: [UInt8]?

        var description: String { "\(self.file): \(String(decoding: self.request, as: UTF8.self))" }
    }

    static let folders = ["T-dlm", "T-sanlock", "real-sanlock", "adhoc"]

    static let exchanges: [Exchange] = Self.folders.flatMap { folder in
        let path = Self.root + "/" + folder
        return Self.names(in: path).flatMap { name in
            Self.exchanges(in: Self.contents(path + "/" + name), file: folder + "/" + name)
        }
    }

    private static var root: String {
        let folders = #filePath.split(separator: "/").dropLast(2)
        return "/" + folders.joined(separator: "/") + "/Captured/lvmlockd-2.03.16"
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names.sorted()
    }

    private static func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `[conn N …] > request` or `< response` opens a block, whose lines are C strings.
    private static func exchanges(in text: String, file: String) -> [Exchange] {
        var exchanges: [Exchange] = []
        var waiting: [Substring: Int] = [:]
        var connection: Substring = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("[conn ") {
                connection = line.dropFirst(6).prefix { $0 != " " }
                if line.contains("> request") {
                    waiting[connection] = exchanges.count
                    exchanges.append(Exchange(file: file, request: []))
                }
            } else if let index = waiting[connection] {
                if line.hasPrefix("> \"") {
                    exchanges[index].request += Self.unquoted(line.dropFirst(2))
                } else if line.hasPrefix("< \"") {
                    exchanges[index].response =
                        (exchanges[index].response ?? []) + Self.unquoted(line.dropFirst(2))
                }
            }
        }
        return exchanges.map { exchange in
            var exchange = exchange
            exchange.request.removeLast(4)
            exchange.response?.removeLast(4)
            return exchange
        }
    }

    private static func unquoted(_ literal: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in literal.utf8.dropFirst().dropLast() {
            if isEscaped {
                bytes.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}

/// The lines of a frame.
func lines(_ frame: [UInt8]) -> [String] {
    String(decoding: frame, as: UTF8.self).split(separator: "\n").map(String.init)
}

/// The frame of a text, without terminator.
func frame(_ text: String) -> [UInt8] { Array(text.utf8) }
