#if Sanlock
    /// Where the leases of a volume group lie on the volume that carries them.
    struct LeaseLayout: Hashable, Sendable {
        /// Bytes from one lease to the next.
        var alignBytes: UInt64
        /// Bytes of a sector.
        var sectorBytes: UInt64

        /// The lease of the global lock; its name says whether it is enabled.
        var globalLock: UInt64 { 65 * self.alignBytes }
        /// The lease of the volume group's own lock.
        var volumeGroupLock: UInt64 { 66 * self.alignBytes }
        /// The first lease for logical volumes.
        var firstVolume: UInt64 { 67 * self.alignBytes }

        /// The flags that say the same to sanlock.
        var flags: LeaseFlags {
            let sector: LeaseFlags = self.sectorBytes == 4096 ? .sector4096 : .sector512
            switch self.alignBytes >> 20 {
            case 2: return [sector, .align2MiB]
            case 4: return [sector, .align4MiB]
            case 8: return [sector, .align8MiB]
            default: return [sector, .align1MiB]
            }
        }
    }
#endif
