#if Sanlock
import Dispatch
import Glibc

/// The socket on which the kill-path helpers of this process report.
///
/// sanlock gives a kill path 127 bytes of arguments, so the socket has a short name in the
/// abstract namespace. Anybody on the machine can connect to it; only who was started by
/// sanlock knows the secret.
actor KillSocket {
    /// What connects helpers to a listening socket.
    struct Address: Hashable, Sendable {
        /// The socket's name, without the leading zero.
        var name: String
        /// What every notice has to contain.
        var secret: UInt64

        /// The arguments of the kill path.
        func arguments(_ lockspace: String, membership: UInt64) -> String {
            let notice = KillNotice(
                lockspace: lockspace, membership: membership, secret: self.secret)
            return "\(self.name) \(notice.line)"
        }
    }

    private let heard: @Sendable (KillNotice) -> Void
    private var address: Address?
    private var watch: DescriptorWatch?

    init(heard: @escaping @Sendable (KillNotice) -> Void) {
        self.heard = heard
    }

    /// Listens from now on.
    func listen() throws(SanlockStatus) -> Address {
        if let address = self.address { return address }
        let listener = socket(
            AF_UNIX,
            Int32(
                SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw .errno(errno) }
        let address: Address
        do throws(SanlockStatus) {
            address = Address(
                name: try Self.bind(listener), secret: .random(in: .min ... .max))
        } catch {
            close(listener)
            throw error
        }
        let (heard, secret) = (self.heard, address.secret)
        self.watch = DescriptorWatch(
            listener, label: "holdfast.sanlock.kill",
            readable: {
                Self.accept(listener, secret, heard)
                return true
            }, close: { close(listener) })
        self.address = address
        return address
    }

    /// Finds a free name. Process numbers repeat in namespaces that share a network.
    private static func bind(_ listener: Int32) throws(SanlockStatus) -> String {
        while true {
            let random = String(UInt16.random(in: .min ... .max), radix: 16)
            let name = "hf-sanlock.\(getpid()).\(random)"
            if Self.with(abstract: name, { Glibc.bind(listener, $0, $1) }) == 0 {
                guard Glibc.listen(listener, 64) == 0 else { throw .errno(errno) }
                return name
            }
            guard errno == EADDRINUSE else { throw .errno(errno) }
        }
    }

    private static func with(
        abstract name: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            UnsafeMutableRawBufferPointer(rebasing: path.dropFirst())
                .copyBytes(from: name.utf8)
        }
        let length = MemoryLayout<sa_family_t>.size + 1 + name.utf8.count
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, socklen_t(length))
            }
        }
    }

    // MARK: Serving

    private static func accept(
        _ listener: Int32, _ secret: UInt64, _ heard: @escaping @Sendable (KillNotice) -> Void
    ) {
        let helper = Glibc.accept(listener, nil, nil)
        guard helper >= 0 else { return }
        _ = fcntl(helper, F_SETFD, FD_CLOEXEC)
        // Nobody who connects and stays silent delays another.
        DispatchQueue.global().async {
            defer { close(helper) }
            guard let line = Self.readLine(helper), let notice = KillNotice(line: line),
                notice.secret == secret
            else { return }
            heard(notice)
            _ = "heard\n".withCString { send(helper, $0, 6, Int32(MSG_NOSIGNAL)) }
        }
    }

    private static func readLine(_ helper: Int32) -> String? {
        var timeout = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(
            helper, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < 256 {
            guard recv(helper, &byte, 1, 0) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}
#endif
