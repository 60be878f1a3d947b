#if Sanlock
import Glibc
import LockCore

/// The device that carries leases, or is about to: a block device, or a plain file for trying
/// things out. What it says itself counts until the leases on it say more.
struct LeaseDevice: Hashable, Sendable {
    /// Its size.
    var bytes: UInt64
    /// Bytes that it writes in one step: 512 or 4096. A plain file counts as 512.
    var sectorBytes: UInt64

    /// Looks at the device; `doing` is for the error.
    init(path: String, doing: String) throws(LockManagerError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let number = errno
            throw LockManagerError(
                number == EACCES ? .deviceUnavailable : .badArguments, layer: .storage,
                doing: doing, status: -number,
                advice:
                    "\(path), which carries the leases: \(String(cString: strerror(number)))")
        }
        guard status.st_mode & S_IFMT == S_IFBLK else {
            self.bytes = UInt64(status.st_size)
            self.sectorBytes = 512
            return
        }
        let folder = Self.sysfsFolder(status.st_rdev)
        let physical = Self.number("\(folder)/queue/physical_block_size") ?? 0
        let logical = Self.number("\(folder)/queue/logical_block_size") ?? 0
        guard let size = Self.number("\(folder)/size"),
            let sectorBytes = Self.sectorBytes(physical: physical, logical: logical)
        else {
            throw LockManagerError(
                .badArguments, layer: .storage, doing: doing,
                advice: "\(path): its size, or that of its sectors, is unknown or of no use "
                    + "(sectors \(physical) physical, \(logical) logical): see \(folder)")
        }
        self.bytes = size * 512  // sysfs counts in units of 512 bytes, whatever the sectors
        self.sectorBytes = sectorBytes
    }

    /// Sectors of 4096 bytes where either size says so, for what writes less than the device
    /// does may be torn; 512 where both do, or one does and the other says nothing of use.
    static func sectorBytes(physical: UInt64, logical: UInt64) -> UInt64? {
        let sizes = [physical, logical].filter { $0 == 512 || $0 == 4096 }
        return sizes.max()
    }

    private static func sysfsFolder(_ device: dev_t) -> String {
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        return "/sys/dev/block/\(major):\(minor)"
    }

    private static func number(_ path: String) -> UInt64? {
        guard let text = TextFile.read(path, limit: 64) else { return nil }
        return UInt64(text.prefix { $0 != "\n" })
    }
}
#endif
