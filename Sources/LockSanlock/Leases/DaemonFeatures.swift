#if Sanlock
import LockCore

/// What a sanlock daemon can do for leases beyond what every version can, by its version as
/// `sanlock_version` gives it: `0xMMmmpp00`.
struct DaemonFeatures: Hashable, Sendable {
    /// The daemon's version.
    var version: UInt32

    /// The lease of one host can be formatted anew.
    var writesHostLeases: Bool { self.version >= 0x0401_0000 }
    /// Hosts can keep their locks until they are declared dead, and be declared dead.
    var knowsNoTimeout: Bool { self.version >= 0x0402_0000 }
    /// Storage can be asked to compare and write in one step.
    var comparesAndWrites: Bool { self.version >= 0x0500_0000 }

    /// Refuses what the daemon cannot do. An older daemon would not notice that it was asked.
    func check(_ wanted: WantedTraits, doing: String) throws(LockManagerError) {
        let needs420: WantedTraits = [.noTimeout, .persist]
        if !wanted.isDisjoint(with: needs420), !self.knowsNoTimeout {
            throw self.refusal("notimeout and persist need sanlock 4.2", doing)
        }
        if wanted.contains(.compareAndWrite), !self.comparesAndWrites {
            throw self.refusal("caw needs sanlock 5.0", doing)
        }
    }

    /// The error for a request that this daemon, or the library beside it, is too old for.
    func refusal(
        _ need: String, _ doing: String, code: LockErrorCode = .badArguments
    ) -> LockManagerError {
        let (major, minor) = (self.version >> 24, self.version >> 16 & 0xff)
        return LockManagerError(
            code, doing: doing, advice: "\(need); this host runs \(major).\(minor)")
    }
}
#endif
