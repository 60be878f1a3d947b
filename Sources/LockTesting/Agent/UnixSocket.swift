import Glibc

/// Sockets in the file system.
enum UnixSocket {
    static func connected(to path: String) throws(FixtureError) -> Int32 {
        let descriptor = try Self.open()
        guard Self.withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
            defer { close(descriptor) }
            throw FixtureError("connect to \(path)", .lastError)
        }
        return descriptor
    }

    static func listening(on path: String) throws(FixtureError) -> Int32 {
        let descriptor = try Self.open()
        unlink(path)
        guard Self.withAddress(path, { bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, 8) == 0
        else {
            defer { close(descriptor) }
            throw FixtureError("listen on \(path)", .lastError)
        }
        return descriptor
    }

    static func pair() throws(FixtureError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Self.type, 0, &ends) == 0 else {
            throw FixtureError("make a pair of sockets", .lastError)
        }
        return (ends[0], ends[1])
    }

    private static let type = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

    private static func open() throws(FixtureError) -> Int32 {
        let descriptor = socket(AF_UNIX, Self.type, 0)
        guard descriptor >= 0 else { throw FixtureError("make a socket", .lastError) }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
