#if Sanlock
import Glibc

/// Small files that are read and written as a whole.
enum TextFile {
    /// The file's text; nil if there is none, or if it is longer than the limit in bytes.
    static func read(_ path: String, limit: Int) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let part = [UInt8](unsafeUninitializedCapacity: limit + 1) { buffer, count in
                count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
            }
            if part.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += part
        }
        return nil
    }

    /// Puts the text in the file's place in one step: a reader, or a crash, finds the old text
    /// or the new one. Returns an errno value; 0 is success.
    static func replace(_ path: String, with text: String) -> Int32 {
        let draft = "\(path).new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return errno }
        var failure = Self.write(text, to: file)
        if failure == 0, fsync(file) != 0 { failure = errno }
        if close(file) != 0, failure == 0 { failure = errno }
        if failure == 0, rename(draft, path) != 0 { failure = errno }
        if failure != 0 { unlink(draft) }
        return failure
    }

    private static func write(_ text: String, to file: Int32) -> Int32 {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}
#endif
