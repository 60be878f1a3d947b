#if Sanlock
import LockCore

/// Looks for a lease that no logical volume uses.
///
/// The search begins where the last one ended, so that one question to the sanlock daemon is
/// enough as long as leases are given out one after the other. From the first lease in use on,
/// whole stretches are read past the daemon (``LeaseScan``), and only what looks free there is
/// asked for. At the end of the volume the search goes on at the beginning.
struct LeaseSearch: Sendable {
    let volume: LeaseVolume
    let scan: LeaseScan
    /// Where the volume with the leases ends, in bytes.
    let end: UInt64
    /// How long a stretch may take to read.
    let seconds: Double
    /// What is being done, for errors.
    let doing: String

    /// Leases to read at once: as many as the largest volumes with leases that are common have.
    private static let stretch: UInt64 = 256

    /// The first free lease from `start` on; nil if none is free anywhere.
    ///
    /// Fails if it comes across a lease of that name, which is then somebody's already.
    func firstFree(
        from start: UInt64, absent name: String? = nil
    ) async throws(LockManagerError) -> UInt64? {
        let first = self.volume.layout.firstVolume
        let end = self.volume.layout.end(in: self.end)
        let start = (first..<max(first, end)).contains(start) ? start : first
        guard start < end else { return nil }
        if try await self.isFree(start, absent: name) { return start }
        for range in [start + self.volume.layout.alignBytes..<end, first..<start] {
            if let found = try await self.firstFree(in: range, absent: name) { return found }
        }
        return nil
    }

    private func firstFree(
        in range: Range<UInt64>, absent name: String?
    ) async throws(LockManagerError) -> UInt64? {
        let step = self.volume.layout.alignBytes
        let stretches = stride(
            from: range.lowerBound, to: range.upperBound, by: Int(Self.stretch * step))
        for begin in stretches {
            let end = min(begin + Self.stretch * step, range.upperBound)
            let offsets = Array(stride(from: begin, to: end, by: Int(step)))
            let findings = await self.scan.findings(
                self.volume.path, offsets, within: self.seconds)
            let worthAsking =
                findings?.filter { $0.mayBeFree || $0.record?.name == name }.map(\.offset)
            for offset in worthAsking ?? offsets {
                if try await self.isFree(offset, absent: name) { return offset }
            }
        }
        return nil
    }

    /// A damaged lease is not free: it may be somebody's, to be repaired.
    private func isFree(
        _ offset: UInt64, absent name: String?
    ) async throws(LockManagerError) -> Bool {
        let volume = self.volume
        let doing = self.doing
        let content = try await BlockingExecutor(label: "holdfast.lease-search").run {
            () throws(LockManagerError) -> LeaseVolume.Content? in
            do throws(SanlockStatus) {
                return try volume.content(at: offset)
            } catch  where error.isCorruption {
                return nil
            } catch {
                throw error.leaseFailure("\(doing) at \(volume.path):\(offset)")
            }
        }
        switch content {
        case .lease(LeaseName.unused), .unformatted: return true
        case .lease(let other):
            guard other != name else {
                throw LockManagerError(
                    .leaseExists, doing: doing,
                    advice: "the lease at \(volume.path):\(offset) has that name already")
            }
            return false
        case .beyondDevice, nil: return false
        }
    }
}

extension LeaseScan.Finding {
    /// The lease looks as if no logical volume used it.
    var mayBeFree: Bool { self.record.map { $0.name == LeaseName.unused } ?? true }
}
#endif
