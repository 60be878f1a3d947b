import CLockServer

/// Hears what happens to a socket, on the loop's thread.
protocol SocketHandler: AnyObject {
    /// The socket may be ready for this. It may also not be.
    func ready(for events: SocketEvents)
    /// What there was to do in this turn of the loop is done; called for whoever asked for it.
    func turnEnds()
}

/// What a socket is watched for, and what is found: epoll's bits.
struct SocketEvents: OptionSet {
    let rawValue: UInt32

    static let readable = SocketEvents(rawValue: EPOLLIN.rawValue)
    static let writable = SocketEvents(rawValue: EPOLLOUT.rawValue)
    /// The other end is closed, or the socket is broken. Always watched for.
    static let gone = SocketEvents(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
}
