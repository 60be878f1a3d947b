/// What the IDM lock manager answers when it refuses: a negative number, mostly an errno.
public struct ILMResult: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the socket, below zero.
    public let rawValue: Int32

    /// Wraps the number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Anything: another holder, too few drives, or a lock that the connection does not hold.
    public static let refused = ILMResult(rawValue: -1)
    /// No drive could be read (`ENOENT`).
    public static let unreadable = ILMResult(rawValue: -2)
    /// Half of the drives or more failed (`EIO`).
    public static let storageFailed = ILMResult(rawValue: -5)
    /// Too few of the paths lead to drives, or the connection has no lockspace (`ENOMEM`).
    public static let tooFewDrives = ILMResult(rawValue: -12)
    /// The connection holds the lock already, or the host id is in use (`EBUSY`).
    public static let busy = ILMResult(rawValue: -16)
    /// The request makes no sense to the manager (`EINVAL`).
    public static let invalid = ILMResult(rawValue: -22)
    /// Half of the drives or more do not know the holder any more (`ETIME`).
    public static let expired = ILMResult(rawValue: -62)

    /// What the number means.
    public var description: String {
        switch self {
        case .refused: "refused"
        case .unreadable: "no drive can be read"
        case .storageFailed: "half of the drives or more failed"
        case .tooFewDrives: "too few drives"
        case .busy: "in use already"
        case .invalid: "not understood"
        case .expired: "the lease has expired"
        default: "result \(self.rawValue)"
        }
    }
}
