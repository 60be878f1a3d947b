internal import Synchronization
import LockCore

/// Numbers that are never used twice in the manager's life.
final class DLMNumbers: Sendable {
    private let last = Atomic<UInt64>(0)

    private func next() -> UInt64 {
        self.last.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// A lock's number. libdlm hands it back with what it delivers.
    func nextLock() -> UInt { UInt(self.next()) }
    func nextGrant() -> Grant.ID { Grant.ID(self.next()) }
    func nextMembership() -> Membership.ID { Membership.ID(self.next()) }
}
