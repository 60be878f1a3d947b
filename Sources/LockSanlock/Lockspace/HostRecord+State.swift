#if Sanlock
import LockCore

extension HostRecord {
    /// What sanlock believes of the host (`SANLK_HOST_MASK`).
    var state: Host.State {
        switch self.flags & 0xf {
        case 2: .free
        case 3: .live
        case 4: .failing
        case 5: .dead
        default: .unknown
        }
    }

    /// May the host, as its lockspace sees it, still hold leases of its current generation?
    var mayHold: Bool {
        switch self.state {
        case .unknown, .live, .failing: true
        case .free, .dead: false
        }
    }
}

/// Puts together what a lease says of its owners and what the lockspace says of hosts.
struct Owners {
    /// The hosts that hold the lease, as far as anyone can tell.
    var hosts: [Host] = []

    /// An owner counts unless the lockspace knows that the host joined anew since, left, or
    /// is dead. `known` is nil where the lockspace cannot say anything yet.
    init(_ owners: [HostRecord], known: [HostRecord]?) {
        guard let known else {
            self.hosts = owners.map { Host(id: $0.id, generation: $0.generation) }
            return
        }
        let seen = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
        self.hosts = owners.compactMap { owner in
            guard let host = seen[owner.id], host.generation == owner.generation,
                host.mayHold
            else { return nil }
            return Host(
                id: owner.id, generation: owner.generation, timestamp: host.timestamp,
                state: host.state)
        }
    }
}
#endif
