/// Every maximum of the library and the daemon, each with its reason. Past a limit a request gets
/// an error that names it; nothing grows without bound because of what a client sends.
public enum Limits {
    /// Bytes of one request: the longest that lvm sends without drives is under 1 KiB.
    public static let requestBytes = 64 * 1024
    /// Bytes of one request that lists drives: 512 drives with 4,096-byte paths, and some.
    public static let requestBytesWithDrives = 4 * 1024 * 1024
    /// Drives that one request may list: the IDM lock manager's own limit.
    public static let drives = 512
    /// Connected clients: lvm holds a connection for one command, so thousands are a fault.
    public static let clients = 4096
    /// Bytes kept for a client that does not read: a reply is under 1 KiB, and a client has one
    /// request under way at a time.
    public static let bytesTowardsClient = 256 * 1024
    /// Requests that one client may have sent ahead of the one being answered.
    public static let requestsAheadPerClient = 64
    /// Lockspaces of one host: sanlock keeps one thread and one lease per lockspace.
    public static let lockspaces = 4096
    /// Resources with a lock or a waiting request, in one lockspace.
    public static let resourcesPerLockspace = 1 << 20
    /// Requests that wait for one resource.
    public static let waitingPerResource = 8192
    /// Bytes of a volume group's, a logical volume's, or a lockspace's name (lvmlockd's
    /// `MAX_NAME`).
    public static let nameBytes = 64
    /// Bytes of lock arguments (lvmlockd's `MAX_ARGS`).
    public static let argumentsBytes = 64
    /// Bytes of the log that `lvmlockctl --dump` shows; upstream keeps as much.
    public static let logBytes = 4 * 1024 * 1024
    /// Bytes of the state that `lvmlockctl --info` shows; its own buffer holds no more.
    public static let infoBytes = 4 * 1024 * 1024
    /// Events kept for a reader that is behind.
    public static let eventsKept = 1024
    /// How long a lockspace stays listed after it has stopped. lvm asks for its locks once more
    /// right after stopping it, and must hear that the lockspace is gone, not that locking is off
    /// on this host. lvmlockd's is anything from nothing to 2 s.
    public static let stoppedLockspaceStaysListed = Duration.milliseconds(750)
}
