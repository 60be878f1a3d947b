#if Sanlock
import Synchronization

@testable import LockSanlock

/// Counts the questions that the daemon is asked about single leases.
final class CallCounter: Sendable {
    private let count = Atomic<Int>(0)

    /// Questions so far.
    var reads: Int { self.count.load(ordering: .relaxed) }

    /// The same calls, counted.
    func watching(_ calls: SanlockCalls) -> SanlockCalls {
        var watched = calls
        watched.readResource = { record throws(SanlockStatus) in
            self.count.add(1, ordering: .relaxed)
            return try calls.readResource(record)
        }
        return watched
    }
}
#endif
