package import LockCore

/// A mode as the IDM lock manager writes it.
public struct ILMMode: RawRepresentable, Hashable, Sendable {
    /// The number on the socket.
    public let rawValue: UInt32

    /// Takes any number; the manager refuses to lock in a mode it does not know.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Nobody holds it (`IDM_MODE_UNLOCK`).
    public static let unlocked = ILMMode(rawValue: 0)
    /// One holder (`IDM_MODE_EXCLUSIVE`).
    public static let exclusive = ILMMode(rawValue: 1)
    /// Any number of holders (`IDM_MODE_SHAREABLE`).
    public static let shareable = ILMMode(rawValue: 2)

    package init(_ mode: LockMode) {
        switch mode {
        case .exclusive: self = .exclusive
        case .shared: self = .shareable
        case .unlocked, .null: self = .unlocked
        }
    }
}
