#if Sanlock
import LockCore

/// The lock arguments of a logical volume: `1.0.0:OFFSET`, the place of its lease.
struct VolumeArguments: Hashable, Sendable, CustomStringConvertible {
    /// Where the lease begins, in bytes from the start of the volume that carries the leases.
    var offset: UInt64

    private static let newestVersion = 1

    /// Describes the arguments of a lease that lies there.
    init(offset: UInt64) {
        self.offset = offset
    }

    /// Reads arguments as a volume group's metadata has them; `doing` is for the error.
    init(_ text: String, doing: @autoclosure () -> String) throws(LockManagerError) {
        let text = ArgumentsText(text, newestVersion: Self.newestVersion)
        let fields = try text.fields(doing: doing())
        guard fields.count == 1, fields[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let offset = UInt64(fields[0])
        else { throw text.failure("they do not end with the lease's offset in bytes", doing()) }
        self.init(offset: offset)
    }

    /// The arguments as the metadata keeps them.
    var description: String { "1.0.0:\(self.offset)" }
}
#endif
