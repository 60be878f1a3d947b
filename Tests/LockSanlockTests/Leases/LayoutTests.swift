#if Sanlock
import Testing

@testable import LockSanlock

@Suite struct LayoutTests {
    @Test(arguments: [
        (512, 0, 1, 2000), (512, 8, 1, 2000), (4096, 0, 8, 2000), (4096, 8, 8, 2000),
        (4096, 4, 4, 1000), (4096, 2, 2, 500), (4096, 1, 1, 250),
    ])
    func `sectors and the wanted size decide how leases lie and how many hosts can join`(
        sectorBytes: UInt64, wantedMiB: Int, leaseMiB: UInt64, hosts: UInt64
    ) throws {
        let layout = try #require(LeaseLayout(sectorBytes: sectorBytes, wantedMiB: wantedMiB))
        #expect(layout.alignBytes == leaseMiB << 20)
        #expect(layout.mostHosts == hosts)
        #expect(layout.globalLock == 65 * leaseMiB << 20)
        #expect(layout.volumeGroupLock == 66 * leaseMiB << 20)
        #expect(layout.firstVolume == 67 * leaseMiB << 20)
        let place = LeasePlace(path: "", offset: 0)
        #expect(try LeaseLayout(layout.flags, at: place, .live) == layout)
    }

    @Test(arguments: [3, 5, 16, -1])
    func `a size that sanlock does not know is no layout`(wantedMiB: Int) {
        #expect(LeaseLayout(sectorBytes: 4096, wantedMiB: wantedMiB) == nil)
    }

    @Test(arguments: [(1, 512), (8, 4096)])
    func `for leases older than the flags for sizes, sanlock is asked`(
        leaseMiB: UInt64, sectorBytes: UInt64
    ) throws {
        var calls = SanlockCalls.live
        calls.align = { _ throws(SanlockStatus) in leaseMiB << 20 }
        let layout = try LeaseLayout([], at: LeasePlace(path: "", offset: 0), calls)
        #expect(layout == LeaseLayout(alignBytes: leaseMiB << 20, sectorBytes: sectorBytes))
    }

    @Test func `a volume's lease begins on the grid behind the other locks`() {
        let layout = LeaseLayout(alignBytes: 2 << 20, sectorBytes: 4096)
        #expect(layout.isVolumeOffset(134 << 20))
        #expect(layout.isVolumeOffset(200 << 20))
        #expect(!layout.isVolumeOffset(135 << 20))
        #expect(!layout.isVolumeOffset(132 << 20))
        #expect(layout.end(in: 201 << 20) == 200 << 20)
    }

    @Test(arguments: [
        (512, 512, 512), (4096, 4096, 4096), (4096, 512, 4096), (512, 4096, 4096),
        (4096, 0, 4096), (0, 512, 512), (16384, 512, 512), (16384, 4096, 4096),
    ])
    func `the larger sector size that is of use counts`(
        physical: UInt64, logical: UInt64, sector: UInt64
    ) {
        #expect(LeaseDevice.sectorBytes(physical: physical, logical: logical) == sector)
    }

    @Test func `no sector size of use is none`() {
        #expect(LeaseDevice.sectorBytes(physical: 0, logical: 0) == nil)
        #expect(LeaseDevice.sectorBytes(physical: 16384, logical: 1024) == nil)
    }
}
#endif
