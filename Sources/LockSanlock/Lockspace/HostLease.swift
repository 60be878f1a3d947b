#if Sanlock
import Dispatch
import Glibc

/// What stands in a host's own lease in the lockspace (`struct leader_record`): its name and
/// how often it has joined. libsanlock 3 has no call that tells.
struct HostLease: Hashable, Sendable {
    /// How often the host has joined.
    var generation: UInt64
    /// The name that the host's daemon goes by.
    var hostName: String
    /// The host left, and gave its number back.
    var isFree: Bool
    /// Seconds that the host waits for one read or write; 0 if it has never joined.
    var ioTimeoutSeconds: UInt64

    /// `DELTA_DISK_MAGIC`.
    private static let magic: UInt32 = 0x1221_2010

    /// Reads a sector; nil if it is no host's lease.
    init?(sector: UnsafeRawBufferPointer) {
        guard sector.count >= 176,
            UInt32(littleEndian: sector.loadUnaligned(as: UInt32.self)) == Self.magic
        else { return nil }
        self.generation = UInt64(
            littleEndian: sector.loadUnaligned(fromByteOffset: 40, as: UInt64.self))
        // `resource_name`, which in a host's lease is the host's name.
        self.hostName = String(
            decoding: sector[104..<152].prefix { $0 != 0 }, as: UTF8.self)
        // `LEASE_FREE`
        self.isFree = sector.loadUnaligned(fromByteOffset: 152, as: UInt64.self) == 0
        self.ioTimeoutSeconds = UInt64(
            UInt16(littleEndian: sector.loadUnaligned(fromByteOffset: 174, as: UInt16.self)))
    }

    /// Reads the host's lease from storage, past every cache; nil if that does not work in time.
    ///
    /// A read can hang as long as the storage does, and nothing ends it: it has a thread of its
    /// own, which nobody waits for longer than that.
    static func read(
        hostID: UInt64, path: String, sectorBytes: Int, within seconds: Double
    ) async -> HostLease? {
        guard hostID > 0 else { return nil }
        let (answers, answer) = AsyncStream.makeStream(of: HostLease?.self)
        DispatchQueue(label: "holdfast.sanlock.host-lease").async {
            answer.yield(Self.read(hostID: hostID, path: path, sectorBytes: sectorBytes))
            answer.finish()
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { answer.finish() }
        for await lease in answers { return lease }
        return nil
    }

    private static func read(hostID: UInt64, path: String, sectorBytes: Int) -> HostLease? {
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

extension LockspacePlan {
    /// What a host's own lease says; nil if it cannot be read in the time of one read.
    func lease(
        ofHost id: UInt64, _ configuration: SanlockLockManager.Configuration
    ) async -> HostLease? {
        await HostLease.read(
            hostID: id, path: self.place.path, sectorBytes: Int(self.layout.sectorBytes),
            within: configuration.ioSeconds)
    }
}
#endif
