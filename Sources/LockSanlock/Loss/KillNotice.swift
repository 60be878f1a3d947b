#if Sanlock
/// What the kill-path helper reports: `LOCKSPACE MEMBERSHIP SECRET`, one line.
struct KillNotice: Hashable, Sendable {
    /// The lockspace's name.
    var lockspace: String
    /// Which membership sanlock gave up.
    var membership: UInt64
    /// What only sanlock and this process know.
    var secret: UInt64

    /// What the helper is given to report.
    var line: String {
        "\(self.lockspace) \(self.membership) \(String(self.secret, radix: 16))"
    }

    /// Puts a notice together.
    init(lockspace: String, membership: UInt64, secret: UInt64) {
        self.lockspace = lockspace
        self.membership = membership
        self.secret = secret
    }

    /// Reads a line; nil if it is no notice.
    init?(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, let membership = UInt64(words[1]),
            let secret = UInt64(words[2], radix: 16)
        else { return nil }
        self.init(lockspace: String(words[0]), membership: membership, secret: secret)
    }
}
#endif
