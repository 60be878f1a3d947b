public import LockCore

extension InMemoryCluster {
    /// What kind of lock manager a cluster acts as, and how.
    public struct Configuration: Sendable {
        /// The word that the managers answer to.
        public var kind: LockManagerKind
        /// What the managers can do, and therefore do.
        public var capabilities: LockManagerCapabilities
        /// How long a value block lives.
        public var valueBlockLifetime: ValueBlockLifetime
        /// What the lock arguments of a volume group look like.
        public var arguments: ArgumentsForm
        /// The managers can tell other hosts to reload a volume.
        public var refreshesVolumes: Bool
        /// Memberships and owners carry how often the host has joined.
        public var countsGenerations: Bool
        /// A lockspace can only be joined with a host number that the caller gives.
        public var requiresHostID: Bool
        /// How long ``LockManager/prepare(_:_:)`` takes.
        public var prepareDelay: Duration
        /// How long ``LockManager/join(_:_:)`` takes.
        public var joinDelay: Duration
        /// Looks for the device that carries a volume group's leases, by its path; nil for a
        /// cluster that needs no device.
        public var leaseDeviceExists: (@Sendable (_ path: String) -> Bool)?
        /// After how long the holds of a host that crashed pass to others; nil for a cluster
        /// where only ``InMemoryCluster/declareDead(_:)`` frees them.
        public var crashedHostExpires: Duration?
        /// Answers as `lvmlockd --test` does: everything to be adopted is found, every volume
        /// group would carry the global lock, none does once it is stopped, and disabling the
        /// global lock exclusively changes nothing.
        public var mirrorsTestMode: Bool
        /// What ``LockManager/isRunning()`` says on a host that has just been started.
        public var isRunning: Bool
        /// Measures and waits for every duration.
        public var clock: any Clock<Duration>
        /// Where the random draws of faults start.
        public var seed: UInt64

        /// How long a value block lives.
        public enum ValueBlockLifetime: Hashable, Sendable {
            /// As long as some host holds the resource or has not forgotten it; and its content is
            /// lost with a host that dies holding it exclusively. (So it is with a DLM.)
            case whileWanted
            /// As long as the volume group exists. (So it is on storage.)
            case onStorage
        }

        /// What the lock arguments of a volume group look like.
        public enum ArgumentsForm: Hashable, Sendable {
            /// None (as for idm).
            case none
            /// `1.0.0:` and the name of the cluster (as for dlm).
            case cluster(String)
            /// `1.0.0:` and the volume that carries the leases (as for sanlock).
            case leaseVolume
        }

        /// A cluster that differs from ``native`` in its kind and capabilities.
        public init(kind: LockManagerKind, capabilities: LockManagerCapabilities) {
            self.kind = kind
            self.capabilities = capabilities
            self.valueBlockLifetime = .onStorage
            self.arguments = .none
            self.refreshesVolumes = true
            self.countsGenerations = true
            self.requiresHostID = false
            self.prepareDelay = .zero
            self.joinDelay = .zero
            self.leaseDeviceExists = nil
            self.crashedHostExpires = nil
            self.mirrorsTestMode = false
            self.isRunning = true
            self.clock = ContinuousClock()
            self.seed = 0
        }
    }
}

extension LockManagerKind {
    /// The kind of a cluster in memory that presents itself as what it is.
    public static let memory = LockManagerKind(rawValue: "memory")
}
