/// How many of a lock's drives it takes.
///
/// A lock is held on several drives at once. Two hosts cannot both have more than half of them, and
/// that is all the safety there is. To keep a lock takes fewer drives than to get it, if their
/// number is even: with half of them in its hand, a host keeps everybody else from more than half.
package struct Majority: Hashable, Sendable {
    /// All drives of the lock, those included that cannot be reached.
    package let total: Int

    package init(of total: Int) {
        self.total = total
    }

    /// So many drives are needed to get the lock, or to know what others do not know.
    package var toTake: Int { self.total / 2 + 1 }
    /// As long as so many are held, nobody else can get the lock.
    package var toKeep: Int { self.total - self.total / 2 }
}
