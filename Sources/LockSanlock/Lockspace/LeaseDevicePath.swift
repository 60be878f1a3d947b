#if Sanlock
import Glibc

extension SanlockLockManager {
    /// The path of the volume that carries a volume group's leases. LVM activates the volume and
    /// asks at once; its node may come a moment later, which this waits for, up to 2 s.
    func leaseDevicePath(volumeGroup: String, volume: String) async -> String {
        let path = self.configuration.leaseDevice(volumeGroup, volume)
        for _ in 0..<40 where access(path, F_OK) != 0 {
            // Cancelled: then nobody wants to know any more.
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { break }
        }
        return path
    }
}
#endif
