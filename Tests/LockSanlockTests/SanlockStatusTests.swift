#if Sanlock
import Glibc
import LockCore
import Testing

@testable import LockSanlock

@Suite struct SanlockStatusTests {
    @Test(
        arguments: [
            (-202, .ioTimedOut, .storage), (-210, .storageFailed, .storage),
            (-211, .storageFailed, .storage), (-214, .leaseCorrupt, .storage),
            (-220, .storageFailed, .storage), (-221, .storageFailed, .storage),
            (-222, .leaseCorrupt, .storage), (-223, .leaseCorrupt, .storage),
            (-224, .leaseCorrupt, .storage), (-225, .leaseCorrupt, .storage),
            (-226, .leaseCorrupt, .storage), (-227, .leaseCorrupt, .storage),
            (-229, .leaseCorrupt, .storage), (-231, .badHostID, .manager),
            (-243, .contended, .manager), (-244, .contended, .manager),
            (-245, .contended, .manager), (-246, .contended, .manager),
            (-247, .contended, .manager), (-262, .badHostID, .manager),
            (-201, .managerFailed, .manager), (-203, .managerFailed, .manager),
            (-EIO, .storageFailed, .storage), (-ENOSPC, .storageFailed, .storage),
            (-EMSGSIZE, .leaseBeyondStorage, .storage),
            (-ENODEV, .deviceUnavailable, .storage), (-EUCLEAN, .orphanInTheWay, .manager),
            (-ECONNREFUSED, .managerUnavailable, .daemon),
            (-1, .managerUnavailable, .daemon), (-12345, .managerFailed, .manager),
        ] as [(Int32, LockErrorCode, LockManagerError.Layer)])
    func `every status has a meaning`(
        _ status: Int32, _ code: LockErrorCode, _ layer: LockManagerError.Layer
    ) {
        let error = SanlockStatus(rawValue: status).error("test", hold: .unknown)
        #expect(error.code == code)
        #expect(error.layer == layer)
        #expect(error.status == status)
        #expect(error.hold == .unknown)
    }

    @Test(arguments: [-243, -244, -245, -246, -247, -249, -285, -EAGAIN, -EBUSY])
    func `whoever holds or competes for a lease is in the way`(_ status: Int32) {
        #expect(SanlockStatus(rawValue: status).isContention)
        #expect(!SanlockStatus(rawValue: status).isCorruption)
    }

    @Test(arguments: [-202, -EIO, -ENOSPC, -EUCLEAN, -1])
    func `failures are no contention`(_ status: Int32) {
        #expect(!SanlockStatus(rawValue: status).isContention)
    }
}

@Suite struct StoredValueTests {
    @Test func `a value block is stored as lvmlockd stores it`() {
        let block = ValueBlock(format: 0x0101, flags: .removed, resourceVersion: 0x0a0b_0c0d)
        #expect(block.stored == [0x01, 0x01, 0x01, 0x00, 0x0d, 0x0c, 0x0b, 0x0a])
        #expect(ValueBlock(stored: block.stored) == block)
        #expect(ValueBlock(stored: [0, 0, 0]) == nil)
    }

    @Test func `a host's lease tells its generation and name`() {
        var sector = [UInt8](repeating: 0, count: 512)
        sector.replaceSubrange(0..<4, with: [0x10, 0x20, 0x21, 0x12])
        sector[40] = 7
        sector.replaceSubrange(104..<109, with: Array("host1".utf8))
        sector[174] = 10
        let lease = sector.withUnsafeBytes { HostLease(sector: $0) }
        #expect(lease?.generation == 7)
        #expect(lease?.hostName == "host1")
        #expect(lease?.ioTimeoutSeconds == 10)
        #expect(lease?.isFree == true)
        sector[152] = 1
        #expect(sector.withUnsafeBytes { HostLease(sector: $0) }?.isFree == false)
        sector[0] = 0
        #expect(sector.withUnsafeBytes { HostLease(sector: $0) } == nil)
    }

    @Test func `a host's lease on storage that does not answer is unknown`() async throws {
        // To open a pipe for reading waits until somebody opens it for writing.
        let path = "/tmp/holdfast-silent.\(getpid())"
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let lease = await HostLease.read(
            hostID: 1, path: path, sectorBytes: 512, within: 0.1)
        #expect(lease == nil)
        close(open(path, O_WRONLY))
    }

    @Test func `a join waits for the last owner of the number, unless that left`() {
        let times = HostTimes(ioTimeoutSeconds: 10, watchdogSeconds: 60)
        #expect(times.longestJoin(afterOwner: true) == 190)
        #expect(times.longestJoin(afterOwner: false) == 50)
    }

    @Test func `holds are certain until others may take them over, a second less`() {
        let times = HostTimes(ioTimeoutSeconds: 10, watchdogSeconds: 60)
        #expect(times.failSeconds == 80)
        #expect(times.deadSeconds == 140)
        #expect(times.certain(renewedAt: 1000, now: 1080) == .seconds(59))
        #expect(times.certain(renewedAt: 1000, now: 1139) == .zero)
        #expect(times.certain(renewedAt: 1000, now: 5000) == .zero)
    }
}
#endif
