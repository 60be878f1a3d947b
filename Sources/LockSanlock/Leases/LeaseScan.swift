#if Sanlock
import Dispatch
import Glibc
import Synchronization

/// Reads the first sectors of many leases at once, past the sanlock daemon, to find those that
/// are worth asking it about.
///
/// The daemon reads one lease per question, and opens and closes the device each time. Here
/// several threads read at the same time, each through one opening of the device, with direct
/// input that neither uses nor leaves anything in the page cache. A writer may be at work
/// meanwhile, so what comes out is a hint: whoever takes a lease asks the daemon first.
///
/// A read can hang as long as the storage does, and nothing ends it. The answer then is that
/// nothing is known, and until the last thread has come back there is no further scan.
final class LeaseScan: Sendable {
    private let threadsAtWork = Atomic<Int>(0)

    private static let threads = 8
    /// Bytes to read of each lease: a sector of either size.
    private static let sectorBytes = 4096

    /// What a scan says of one lease.
    struct Finding: Hashable, Sendable {
        /// Where the lease begins.
        var offset: UInt64
        /// What its first sector says; nil if it is no lease.
        var record: LeaseRecord?
    }

    /// The leases at these offsets, in their order, without those past the device's end. Nil if
    /// they could not be read within the time.
    func findings(
        _ path: String, _ offsets: [UInt64], within seconds: Double
    ) async -> [Finding]? {
        let isFirst = self.threadsAtWork.compareExchange(
            expected: 0, desired: Self.threads, ordering: .relaxed
        ).exchanged
        guard isFirst else { return nil }
        let (parts, answers) = AsyncStream.makeStream(of: [Finding]?.self)
        for thread in 0..<Self.threads {
            let share = stride(from: thread, to: offsets.count, by: Self.threads)
                .map { offsets[$0] }
            DispatchQueue(label: "holdfast.lease-scan").async {
                let part = Self.read(path, share)
                self.threadsAtWork.subtract(1, ordering: .relaxed)
                answers.yield(part)
            }
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { answers.finish() }
        var findings: [Finding] = []
        var missing = Self.threads
        for await part in parts {
            guard let part else { return nil }
            findings += part
            missing -= 1
            if missing == 0 { return findings.sorted { $0.offset < $1.offset } }
        }
        return nil
    }

    private static func read(_ path: String, _ offsets: [UInt64]) -> [Finding]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | __O_DIRECT)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let sector = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.sectorBytes, alignment: Self.sectorBytes)
        defer { sector.deallocate() }
        var findings: [Finding] = []
        for offset in offsets {
            let count = pread(file, sector.baseAddress, sector.count, off_t(offset))
            if count < 0 { return nil }
            guard count == sector.count else { break }
            findings.append(
                Finding(offset: offset, record: LeaseRecord(UnsafeRawBufferPointer(sector))))
        }
        return findings
    }
}
#endif
