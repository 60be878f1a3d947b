#if Sanlock
/// How long a lease and its sectors are, and what else sanlock says of one. The bits of
/// lockspaces (`SANLK_LSF_`) and of resources (`SANLK_RES_`) for sizes are the same.
struct LeaseFlags: OptionSet, Hashable, Sendable {
    let rawValue: UInt32

    /// The resource's lease version is given (`SANLK_RES_LVER`).
    static let version = LeaseFlags(rawValue: 0x1)
    /// The lease is to be held shared, or is (`SANLK_RES_SHARED`).
    static let shared = LeaseFlags(rawValue: 0x4)
    /// The lease outlives the process (`SANLK_RES_PERSISTENT`).
    static let persistent = LeaseFlags(rawValue: 0x8)
    /// A lease takes 1 MiB.
    static let align1MiB = LeaseFlags(rawValue: 0x10)
    /// A lease takes 2 MiB.
    static let align2MiB = LeaseFlags(rawValue: 0x20)
    /// A lease takes 4 MiB.
    static let align4MiB = LeaseFlags(rawValue: 0x40)
    /// A lease takes 8 MiB.
    static let align8MiB = LeaseFlags(rawValue: 0x80)
    /// Sectors have 512 bytes.
    static let sector512 = LeaseFlags(rawValue: 0x100)
    /// Sectors have 4096 bytes.
    static let sector4096 = LeaseFlags(rawValue: 0x200)

    /// The bits that say how long leases and sectors are.
    static let sizes: LeaseFlags = [
        .align1MiB, .align2MiB, .align4MiB, .align8MiB, .sector512, .sector4096,
    ]

    /// Bytes from one lease to the next; nil if the flags do not say.
    var alignBytes: UInt64? {
        if self.contains(.align1MiB) { return 1 << 20 }
        if self.contains(.align2MiB) { return 2 << 20 }
        if self.contains(.align4MiB) { return 4 << 20 }
        if self.contains(.align8MiB) { return 8 << 20 }
        return nil
    }

    /// Bytes of a sector; nil if the flags do not say.
    var sectorBytes: UInt64? {
        if self.contains(.sector512) { return 512 }
        if self.contains(.sector4096) { return 4096 }
        return nil
    }
}
#endif
