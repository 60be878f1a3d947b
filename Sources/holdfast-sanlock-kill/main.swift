// sanlock runs this program when a lockspace fails: `holdfast-sanlock-kill SOCKET WORD…`. It hands
// the words on to the process that joined the lockspace, which listens on the abstract socket, and
// ends with 0 once that process has heard.
import Glibc

/// Says in the system's log what went wrong, for nobody sees sanlock's children.
func fail(_ text: String) -> Never {
    openlog("holdfast-sanlock-kill", LOG_PID, LOG_DAEMON)
    withVaList([]) { vsyslog(LOG_ERR, text, $0) }
    exit(1)
}

/// Opens a connection to an abstract unix socket.
func connect(toAbstract name: String) -> Int32? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
        UnsafeMutableRawBufferPointer(rebasing: path.dropFirst()).copyBytes(from: name.utf8)
    }
    let length = MemoryLayout<sa_family_t>.size + 1 + name.utf8.count
    let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(length))
        }
    }
    return status == 0 ? descriptor : nil
}

let words = CommandLine.arguments
guard words.count >= 3, words[1].utf8.count < 100 else {
    fail("started with wrong arguments")
}
guard let descriptor = connect(toAbstract: words[1]) else {
    fail("lockspace \(words[2].filter { $0 != "%" }) failed, and its process does not listen")
}
var timeout = timeval(tv_sec: 5, tv_usec: 0)
setsockopt(
    descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
let line = words[2...].joined(separator: " ") + "\n"
var answer = [UInt8](repeating: 0, count: 6)
guard send(descriptor, line, line.utf8.count, Int32(MSG_NOSIGNAL)) == line.utf8.count,
    recv(descriptor, &answer, answer.count, Int32(MSG_WAITALL)) == answer.count
else {
    fail("lockspace \(words[2].filter { $0 != "%" }) failed, and its process does not answer")
}
