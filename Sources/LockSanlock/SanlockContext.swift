#if Sanlock
import LockCore
import Synchronization

/// Counts from 1.
final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    func next() -> UInt64 {
        self.value.add(1, ordering: .relaxed).newValue
    }
}

/// What all parts of one manager share.
struct SanlockContext: Sendable {
    var configuration: SanlockLockManager.Configuration
    var calls: SanlockCalls
    var reports: AsyncStream<LockManagerEvent>.Continuation
    var grants = Counter()
    var memberships = Counter()
}
#endif
