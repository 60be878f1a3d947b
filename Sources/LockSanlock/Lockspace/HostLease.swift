#if Sanlock
import Glibc

/// What stands in a host's own lease in the lockspace (`struct leader_record`): its name and
/// how often it has joined. libsanlock 3 has no call that tells.
struct HostLease: Hashable, Sendable {
    /// How often the host has joined.
    var generation: UInt64
    /// The name that the host's daemon goes by.
    var hostName: String

    /// `DELTA_DISK_MAGIC`.
    private static let magic: UInt32 = 0x1221_2010

    /// Reads a sector; nil if it is no host's lease.
    init?(sector: UnsafeRawBufferPointer) {
        guard sector.count >= 160,
            UInt32(littleEndian: sector.loadUnaligned(as: UInt32.self)) == Self.magic
        else { return nil }
        self.generation = UInt64(
            littleEndian: sector.loadUnaligned(fromByteOffset: 40, as: UInt64.self))
        // `resource_name`, which in a host's lease is the host's name.
        self.hostName = String(
            decoding: sector[104..<152].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Reads the host's lease from storage, past every cache; nil if that does not work.
    static func read(hostID: UInt64, path: String, sectorBytes: Int) -> HostLease? {
        guard hostID > 0 else { return nil }
        let file = open(path, O_RDONLY | __O_DIRECT | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: sectorBytes, alignment: 4096) {
            buffer in
            let offset = off_t(hostID - 1) * off_t(sectorBytes)
            guard pread(file, buffer.baseAddress, sectorBytes, offset) == sectorBytes else {
                return nil
            }
            return HostLease(sector: UnsafeRawBufferPointer(buffer))
        }
    }
}
#endif
