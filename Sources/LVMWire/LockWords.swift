public import LockCore

/// LVM's numbers for its lock types (`LOCK_TYPE_` in LVM, `LD_LM_` in lvmlockd).
public enum LockTypeNumber: Int, Hashable, Sendable, CaseIterable {
    /// The kernel's distributed lock manager.
    case dlm = 2
    /// Leases on shared storage.
    case sanlock = 3
    /// Locks in the drives themselves.
    case idm = 4

    /// The number of a lock manager's kind; nil for one that LVM has no number for.
    public init?(_ kind: LockManagerKind) {
        switch kind.rawValue {
        case "dlm": self = .dlm
        case "sanlock": self = .sanlock
        case "idm": self = .idm
        default: return nil
        }
    }
}

extension LockMode {
    /// The mode that a word of the protocol stands for; nil for any other word.
    public init?(word: String) {
        switch word {
        case "un": self = .unlocked
        case "nl": self = .null
        case "sh": self = .shared
        case "ex": self = .exclusive
        default: return nil
        }
    }

    static let byWord = WordTable(
        [Self.unlocked, .null, .shared, .exclusive].map { ($0.word, $0) })

    /// The protocol's word for the mode.
    public var word: String {
        switch self {
        case .unlocked: "un"
        case .null: "nl"
        case .shared: "sh"
        case .exclusive: "ex"
        }
    }
}
