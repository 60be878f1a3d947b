import LockCore

/// One host's grip on a resource.
struct MemoryHold {
    /// Where a hold stands. A resource's holds are compatible with each other in every state.
    enum State {
        /// The host's lock manager accounts for it. Next: orphan, releasing, or gone.
        case held
        /// The process that acquired it ended. Next: held (adopted), or gone (purged).
        case orphan
        /// The host let go, but the release failed and has yet to be finished. Next: gone.
        case releasing
    }

    var host: UInt64
    var mode: LockMode
    var grant: Grant.ID
    var token: FencingToken?
    var state: State = .held
    /// What a release that has yet to be finished publishes.
    var unpublished: ValueBlock?
    /// The host has been told that somebody waits for this grant.
    var isKnownWanted = false
}

/// A host's request that waits for a resource.
struct MemoryWaiter {
    /// Tells one waiting call from another.
    struct ID: Hashable {
        var rawValue: UInt64
    }

    var id: ID
    var host: UInt64
    var mode: LockMode
}

/// A stamp for each of a few hosts.
struct HostStamps {
    private var entries: [(host: UInt64, stamp: UInt64)] = []

    var isEmpty: Bool { self.entries.isEmpty }

    subscript(host: UInt64) -> UInt64? {
        get { self.entries.first { $0.host == host }?.stamp }
        set {
            let known = self.entries.firstIndex { $0.host == host }
            switch (known, newValue) {
            case (let index?, let stamp?): self.entries[index].stamp = stamp
            case (let index?, nil): self.entries.remove(at: index)
            case (nil, let stamp?): self.entries.append((host, stamp))
            case (nil, nil): break
            }
        }
    }
}

/// A resource as all hosts together see it: who holds it, who waits, and its value block.
struct MemoryResource {
    /// In the order in which they were granted, so that nothing depends on hashing.
    var holds: [MemoryHold] = []
    /// In the order in which they came.
    var waiters: [MemoryWaiter] = []
    /// The hosts that have not forgotten the resource, each with the stamp that it saw last.
    var interests = HostStamps()
    /// The last block that was published.
    var value: ValueBlock?
    /// Tells one publication from another; 0 before the first.
    var stamp: UInt64 = 0

    /// The place of the host's own hold.
    func hold(of host: UInt64) -> Int? {
        self.holds.firstIndex { $0.host == host }
    }

    /// Takes out the host's hold, unless it is an orphan.
    mutating func removeHold(of host: UInt64) -> MemoryHold? {
        guard let own = self.hold(of: host), self.holds[own].state != .orphan else { return nil }
        return self.holds.remove(at: own)
    }

    /// Does the host hold the resource, wait for it, or remember it?
    func concerns(_ host: UInt64) -> Bool {
        self.interests[host] != nil || self.hold(of: host) != nil
            || self.waiters.contains { $0.host == host }
    }

    /// The place of a hold that keeps the host from that mode.
    ///
    /// Looking at one other hold is enough: where there are several, all of them are shared.
    func obstacle(for host: UInt64, _ mode: LockMode) -> Int? {
        guard let other = self.holds.firstIndex(where: { $0.host != host }) else { return nil }
        return self.holds[other].mode.isCompatible(with: mode) ? nil : other
    }

    /// Nobody waits, so nothing moves.
    ///
    /// This and ``isForgotten(_:)`` change nothing. A record in a table is looked at in its place
    /// only by what may change it; else it is copied.
    var isSettled: Bool {
        mutating get { self.waiters.isEmpty }
    }

    /// True if nothing would be missed without the record.
    mutating func isForgotten(
        _ lifetime: InMemoryCluster.Configuration.ValueBlockLifetime
    ) -> Bool {
        self.holds.isEmpty && self.waiters.isEmpty && self.interests.isEmpty
            && (lifetime == .whileWanted || self.stamp == 0)
    }

    /// What a grant tells the host about the value block, which it has seen from then on.
    mutating func showValue(
        to host: UInt64, _ support: LockManagerCapabilities.ValueBlockSupport
    ) -> ValueBlockReading {
        defer { self.interests[host] = self.stamp }
        switch support {
        case .none: return .unknown
        case .bytes: return .value(self.value ?? ValueBlock())
        case .changeStamp:
            guard let seen = self.interests[host] else { return .unknown }
            return seen == self.stamp ? .unchanged : .changed
        }
    }

    /// Puts the block in place of the last one.
    mutating func publish(_ value: ValueBlock, by host: UInt64, stamp: UInt64) {
        self.value = value
        self.stamp = stamp
        self.interests[host] = stamp
    }
}
