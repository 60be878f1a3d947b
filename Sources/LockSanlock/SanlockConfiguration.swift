#if Sanlock

extension SanlockLockManager {
    /// How this host uses sanlock.
    public struct Configuration: Sendable {
        /// Seconds that sanlock waits for one read or write of a lease; 0 for its own setting.
        /// All of sanlock's times follow from it. New lockspaces store it.
        public var ioTimeoutSeconds: UInt32 = 0
        /// Who `sanlock client status` says holds the leases; at most 48 bytes. The host's own
        /// name is the daemon's business.
        public var ownerName = "holdfast"
        /// sanlock's `watchdog_fire_timeout`, which is the same on every host; 3.8.5 has no
        /// other than this. A loss says by it how long the lost locks are safe.
        public var watchdogSeconds: UInt32 = 60
        /// Keep a value block with every lease, as libraries may want and LVM does not: it
        /// costs further reads and writes.
        public var valueBlocks = false
        /// Give exclusive grants the lease's version as their fencing token. One more question
        /// to the daemon for each; no input or output.
        public var fencingTokens = false
        /// The program that sanlock runs when a lockspace fails (`holdfast-sanlock-kill`); at
        /// most 127 bytes.
        public var killHelperPath: String
        /// Where the leases of a volume group lie, by the group's and the lease volume's name.
        /// The default is the path that device-mapper makes.
        public var leaseDevice: @Sendable (_ volumeGroup: String, _ volume: String) -> String =
            { DeviceMapperName.path(volumeGroup: $0, volume: $1) }

        /// Where this host keeps what it last knew of each lockspace; lvmlockd's own folder.
        public var stateFolder = "/var/lib/lvm"

        /// Uses sanlock as LVM does, with its own settings.
        public init(killHelperPath: String) {
            self.killHelperPath = killHelperPath
        }

        /// Seconds that storage has for its answer; sanlock's own default where none is set.
        var ioSeconds: Double {
            self.ioTimeoutSeconds == 0 ? 10 : Double(self.ioTimeoutSeconds)
        }
    }
}
#endif
