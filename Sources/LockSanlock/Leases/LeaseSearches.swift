#if Sanlock
import LockCore

/// Remembers, for each lockspace that this host is in, where the last search for a free lease
/// ended, so that the next one begins there.
actor LeaseSearches {
    private struct Entry {
        var membership: Membership.ID
        /// Where to look first; nil before the first search.
        var next: UInt64?
        let scan = LeaseScan()
    }

    /// What an earlier membership left here goes when the lockspace is joined again.
    private var entries: [Lockspace.ID: Entry] = [:]

    /// How to read the lockspace's leases, and where to begin; nil before the first search.
    func begin(
        in lockspace: Lockspace.ID, _ membership: Membership.ID
    ) -> (scan: LeaseScan, start: UInt64?) {
        if let entry = self.entries[lockspace], entry.membership == membership {
            return (entry.scan, entry.next)
        }
        let entry = Entry(membership: membership)
        self.entries[lockspace] = entry
        return (entry.scan, nil)
    }

    /// The next search is to begin there.
    func ended(in lockspace: Lockspace.ID, at offset: UInt64) {
        self.entries[lockspace]?.next = offset
    }
}
#endif
