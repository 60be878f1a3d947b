#if Sanlock
import Testing

@testable import LockSanlock

@Suite struct DeviceMapperNameTests {
    @Test func `hyphens inside names are doubled`() {
        #expect(
            DeviceMapperName.path(volumeGroup: "vg0", volume: "lvmlock")
                == "/dev/mapper/vg0-lvmlock")
        #expect(
            DeviceMapperName.path(volumeGroup: "a-b--c", volume: "-l")
                == "/dev/mapper/a--b----c---l")
    }
}
#endif
