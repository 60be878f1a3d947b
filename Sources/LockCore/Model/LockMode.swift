/// How strongly a resource is held. A later case excludes more.
public enum LockMode: Int, Comparable, Hashable, Sendable, CaseIterable {
    /// Nothing is held.
    case unlocked
    /// A placeholder that excludes nobody and keeps a value block alive (DLM's null lock).
    case null
    /// Many may hold the resource, all of them shared.
    case shared
    /// One holder, alone.
    case exclusive

    /// A mode is less than one that excludes more.
    public static func < (left: LockMode, right: LockMode) -> Bool {
        left.rawValue < right.rawValue
    }

    /// Can two hosts hold these modes of one resource at the same time?
    public func isCompatible(with other: LockMode) -> Bool {
        self <= .null || other <= .null || (self == .shared && other == .shared)
    }
}
