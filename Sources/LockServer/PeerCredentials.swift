import Glibc

/// The process at the other end of a connection, as the kernel knows it (`SO_PEERCRED`).
struct PeerCredentials: Hashable, Sendable {
    var processID: Int32
    var userID: UInt32

    /// Whose requests are served: locks decide about storage, so only root's, and those of the user
    /// that the daemon itself runs as.
    func isServed(byDaemonOf daemonUser: UInt32 = geteuid()) -> Bool {
        self.userID == 0 || self.userID == daemonUser
    }

    /// Looks at a connection; nil if the kernel does not tell.
    static func ofPeer(_ descriptor: Int32) -> PeerCredentials? {
        // `struct ucred`, which is declared for GNU sources only: process, user, group.
        var credentials: (processID: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0
        else { return nil }
        return PeerCredentials(processID: credentials.processID, userID: credentials.user)
    }
}
