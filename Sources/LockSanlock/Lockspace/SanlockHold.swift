#if Sanlock
import LockCore

/// This host's grip on a resource.
struct SanlockHold: Sendable {
    /// What is known of the lease.
    enum Certainty: Sendable {
        /// The daemon said that the connection holds it. Next: released, or unknown.
        case held
        /// A call failed that may have left something on storage. Next: released.
        case unknown
    }

    /// As it was acquired: name, place, sizes, and in its flags the mode.
    var record: ResourceRecord
    /// The connection that acquired it.
    var connection: Int
    var certainty: Certainty

    /// The mode that the record's flags stand for.
    var mode: LockMode { self.record.flags.contains(.shared) ? .shared : .exclusive }
}

extension ResourceRecord {
    /// The record to ask for that mode with.
    mutating func setMode(_ mode: LockMode) {
        if mode == .shared {
            self.flags.insert(.shared)
        } else {
            self.flags.remove(.shared)
        }
    }
}
#endif
