import Glibc

/// The file that gives this host's number in a line such as `host_id = 7`.
enum HostIDFile {
    private static let mostBytes = 4096

    static func read(_ path: String) throws(StartError) -> UInt32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StartError(
                problem: "cannot read the host id file \(path): \(StartError.systemReason)",
                advice: "see --host-id-file, or give the number with --host-id")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.mostBytes)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }) == "host_id" else {
                continue
            }
            let digits = parts[1].filter { !$0.isWhitespace }
            if let number = UInt32(digits), 1...2000 ~= number { return number }
        }
        throw StartError(
            problem: "the file \(path) gives no host id from 1 to 2000",
            advice: "write a line such as host_id = 7 into it")
    }
}
