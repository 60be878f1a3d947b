/// What the clients do: each of them locks and unlocks, again and again, and waits for each reply.
package struct Workload: Codable, Sendable {
    /// Which kind of lock.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// A logical volume's, persistent as lvm takes it, each client its own.
        case lv
        /// A logical volume's, transient, one for all clients: they take turns.
        case one
        /// The volume group's, shared by all clients; exclusive if there is one client.
        case vg
        /// The global lock, shared by all clients; exclusive if there is one client.
        case gl
        /// A logical volume's, persistent, with a lease on shared storage: each client has
        /// several of its own, and takes and releases one after the other.
        case leased
    }

    /// How many locks a client goes through where they are leases.
    package static let leasesPerClient = 8

    package var kind = Kind.lv
    package var clients = 1
    /// Connect, say hello, lock, unlock and close, as an lvm command does it; else stay connected.
    package var connects = false
    /// Locks of other logical volumes that are held all the while.
    package var held = 0
    package var seconds = 1.0
    package var warmUpSeconds = 0.2
    /// Stop after so many requests, if that is sooner; 0 for no such limit.
    package var requests: UInt64 = 0

    /// How many leases there are for all clients together.
    package var leases: Int { self.clients * Self.leasesPerClient }

    package init(_ kind: Kind = .lv, clients: Int = 1, connects: Bool = false, held: Int = 0) {
        self.kind = kind
        self.clients = clients
        self.connects = connects
        self.held = held
    }
}
