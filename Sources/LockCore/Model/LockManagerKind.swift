/// The name of a lock manager, as a volume group's lock type spells it, such as `dlm`.
///
/// Each lock manager declares its own in its own module; the engine never compares them.
public struct LockManagerKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The lock type's word.
    public let rawValue: String

    /// Names a kind by the word that volume groups use for it.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The lock type's word.
    public var description: String { self.rawValue }
}
