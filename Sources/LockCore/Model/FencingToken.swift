/// A number that grows with every exclusive grant of a resource, so that storage can refuse a
/// writer whose lock has passed to somebody else.
public struct FencingToken: RawRepresentable, Hashable, Sendable, Comparable {
    /// The number, comparable among grants of one resource only.
    public let rawValue: UInt64

    /// Wraps the manager's number.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// A token is less than that of a later grant.
    public static func < (left: FencingToken, right: FencingToken) -> Bool {
        left.rawValue < right.rawValue
    }
}
