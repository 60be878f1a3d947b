import Glibc

/// A unix socket's address in the form that system calls take.
struct UnixAddress {
    private var storage = sockaddr_un()
    private let length: socklen_t

    /// The longest path that fits, without the zero byte behind it.
    static let longestPathBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// A socket in the file system; nil if the path is empty or too long.
    init?(path: String) {
        self.init(bytes: Array(path.utf8))
    }

    /// A socket in the network namespace's list of names, without a file; nil if it is too long.
    init?(abstract name: String) {
        self.init(bytes: [0] + Array(name.utf8))
    }

    private init?(bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.longestPathBytes else { return nil }
        self.storage.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &self.storage.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 0
        // A path ends with a zero byte; an abstract name is as long as the length says.
        let isPath = bytes.first != 0
        self.length = socklen_t(head + bytes.count + (isPath ? 1 : 0))
    }

    func withPointer<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: self.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, self.length) }
        }
    }

    /// The path to which a socket is bound; nil if there is none.
    static func path(of descriptor: Int32) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        let path = withUnsafeBytes(of: address.sun_path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return path.isEmpty ? nil : path
    }
}
