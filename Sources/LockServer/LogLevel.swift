/// How urgent a log line is. A later case is more urgent.
public enum LogLevel: Int, Comparable, Hashable, Sendable, CaseIterable {
    /// What happens in the ordinary course: connections, requests, replies.
    case debug
    /// Something that an administrator should know.
    case warning
    /// Something failed.
    case error
    /// Everybody on this host should know at once.
    case emergency

    /// Is the left less urgent?
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}
