#if Sanlock
/// How leases lie on the volume that carries them: areas of one size, the lockspace's own
/// first.
///
/// The first area has a record for each host that can join. The next 64 are unused, as lvmlockd
/// leaves them; then come the global lock, the volume group's lock, and one area for each
/// logical volume. Hosts that share a volume group have to agree on all of it, so it is
/// recorded on disk when the volume group is made.
struct LeaseLayout: Hashable, Sendable {
    /// Bytes from one lease to the next: 1 MiB with small sectors; 1, 2, 4 or 8 MiB with large
    /// ones.
    var alignBytes: UInt64
    /// Bytes that storage writes in one step: 512 or 4096.
    var sectorBytes: UInt64

    /// Leases are written so that storage can compare and write in one step (sanlock 5).
    var comparesAndWrites: Bool

    /// Describes leases of that size.
    init(alignBytes: UInt64, sectorBytes: UInt64, comparesAndWrites: Bool = false) {
        self.alignBytes = alignBytes
        self.sectorBytes = sectorBytes
        self.comparesAndWrites = comparesAndWrites
    }

    /// What the flags of a lockspace on disk say. Leases older than the flags for sizes have
    /// those that sanlock chooses by the disk: it is asked for them.
    init(
        _ flags: LeaseFlags, at place: LeasePlace, _ calls: SanlockCalls
    ) throws(SanlockStatus) {
        let compares = flags.contains(.comparesAndWrites)
        if let align = flags.alignBytes, let sector = flags.sectorBytes {
            self.init(
                alignBytes: align, sectorBytes: sector, comparesAndWrites: compares)
        } else {
            let align = try calls.align(place)
            self.init(alignBytes: align, sectorBytes: align == 1 << 20 ? 512 : 4096)
        }
    }

    /// The layout for new leases on storage with such sectors. A size in MiB can be asked for,
    /// 0 is none; it has no effect on small sectors. Nil for a size that sanlock does not know.
    init?(sectorBytes: UInt64, wantedMiB: Int) {
        guard sectorBytes == 4096 else {
            self.init(alignBytes: 1 << 20, sectorBytes: 512)
            return
        }
        guard [0, 1, 2, 4, 8].contains(wantedMiB) else { return nil }
        let size = UInt64(wantedMiB == 0 ? 8 : wantedMiB)
        self.init(alignBytes: size << 20, sectorBytes: 4096)
    }

    /// The lease of the global lock; its name says whether it is enabled (`GL_LOCK_BEGIN`).
    var globalLock: UInt64 { 65 * self.alignBytes }
    /// The lease of the volume group's own lock (`VG_LOCK_BEGIN`).
    var volumeGroupLock: UInt64 { 66 * self.alignBytes }
    /// The first lease for logical volumes (`LV_LOCK_BEGIN`).
    var firstVolume: UInt64 { 67 * self.alignBytes }

    /// Host numbers go from 1 to this: an area has one sector for each host, and sanlock stops
    /// at 2000.
    var mostHosts: UInt64 { self.sectorBytes == 4096 ? 250 * (self.alignBytes >> 20) : 2000 }

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

    /// Can a logical volume's lease begin there?
    func isVolumeOffset(_ offset: UInt64) -> Bool {
        offset >= self.firstVolume && offset.isMultiple(of: self.alignBytes)
    }

    /// Where the last whole lease in so many bytes ends.
    func end(in bytes: UInt64) -> UInt64 { bytes - bytes % self.alignBytes }
}
#endif
