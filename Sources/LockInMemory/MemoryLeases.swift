import LockCore

/// Where the leases of logical volumes lie, and what a lockspace's arguments say.
struct MemoryLeases {
    /// Leases given out, in the whole cluster; none is given out twice.
    private var count: UInt64 = 0
    /// A volume group that carried the global lock is being renamed, and will carry it again.
    var isCarrierBeingRenamed = false

    private static let leaseBytes: UInt64 = 1 << 20
    /// The leases before are for other purposes (lvmlockd's `LV_LOCK_BEGIN`).
    private static let firstLease: UInt64 = 67

    /// The lock arguments of the next lease.
    mutating func allocate() -> String {
        defer { self.count += 1 }
        return "1.0.0:\((Self.firstLease + self.count) * Self.leaseBytes)"
    }
}

/// The lock arguments of a volume group.
enum MemoryArguments {
    /// What else a volume group with leases can be asked to do (`lvmlockd`'s `LOCKARGS_*`).
    private static let knownWords: Set<Substring> = [
        "persist", "nopersist", "timeout", "notimeout", "caw", "nocaw",
    ]
    /// The words among them that arguments record.
    private static let recordedWords: [Substring] = ["notimeout", "persist"]

    /// The words in a list with commas; nil if one is unknown.
    static func words(_ list: String) -> Set<Substring>? {
        let words = Set(list.split(separator: ","))
        return words.isSubset(of: Self.knownWords) ? words : nil
    }

    /// Arguments that name the volume with the leases; those that ask for more than the first
    /// version knows carry the second's number.
    static func naming(volume: Substring, words: Set<Substring>) -> String {
        let recorded = Self.recordedWords.filter(words.contains)
        let version = recorded.isEmpty ? "1.0.0" : "2.0.0"
        return ([version[...], volume] + recorded).joined(separator: ":")
    }

    /// The part after the version: the cluster, or the volume with the leases. Nil if the arguments
    /// are malformed.
    static func name(in arguments: String) -> Substring? {
        let parts = arguments.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].hasPrefix("1.") || parts[0].hasPrefix("2."),
            !parts[1].isEmpty
        else { return nil }
        return parts[1]
    }

    /// The device of a logical volume. Device-mapper joins the two names with a hyphen, and so
    /// doubles the hyphens in them.
    static func devicePath(volumeGroup: String, volume: Substring) -> String {
        func doubled(_ name: some StringProtocol) -> String {
            name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
        }
        return "/dev/mapper/\(doubled(volumeGroup))-\(doubled(volume))"
    }
}
