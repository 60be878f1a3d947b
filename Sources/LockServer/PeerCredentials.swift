import Glibc
import NIOCore

/// The process at the other end of a connection, as the kernel knows it (`SO_PEERCRED`).
struct PeerCredentials: Hashable, Sendable {
    var processID: Int32
    var userID: UInt32

    /// Whose requests are served: locks decide about storage, so only root's, and those of the user
    /// that the daemon itself runs as.
    func isServed(byDaemonOf daemonUser: UInt32 = geteuid()) -> Bool {
        self.userID == 0 || self.userID == daemonUser
    }

    /// Looks at a connection, on its loop; nil if the kernel does not tell.
    static func ofPeer(_ channel: any Channel) -> PeerCredentials? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        // `struct ucred`, which is declared for GNU sources only: process, user, group.
        let future: EventLoopFuture<(Int32, UInt32, UInt32)> = provider.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        var credentials: PeerCredentials?
        // On the loop the answer is there at once.
        future.assumeIsolated().whenSuccess {
            credentials = PeerCredentials(processID: $0.0, userID: $0.1)
        }
        return credentials
    }
}
