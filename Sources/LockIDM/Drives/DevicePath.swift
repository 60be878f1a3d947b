/// Finds the drive behind a path that LVM names: a physical volume is on a partition, or on a
/// device-mapper device, as often as on a whole drive.
package struct DevicePath: Hashable, Sendable {
    /// What tells the drive from others, by whatever path it is reached.
    package var identity: String
    /// The device that takes commands.
    package var commandDevice: String
    /// It speaks NVMe, not SCSI.
    package var isNVMe: Bool

    /// Follows the path to a drive, with what the kernel says of its devices.
    ///
    /// - Parameter folder: Where the kernel lists block devices.
    package static func resolve(
        _ path: String, in folder: String = "/sys/class/block"
    ) throws(DriveError) -> DevicePath {
        guard let real = DeviceFolder.resolved(path),
            var device = real.split(separator: "/").last.map(String.init)
        else { throw DriveError(drive: path, reason: "there is no such device") }
        // Each step leads down to what a device is made of; no real stack is this high.
        for _ in 0..<8 {
            guard let below = DeviceFolder.entries(of: "\(folder)/\(device)/slaves").first else {
                break
            }
            device = below
        }
        guard let disk = DeviceFolder.wholeDisk(of: device, in: folder) else {
            throw DriveError(drive: path, reason: "\(device) is on no drive")
        }
        let name = Self.worldWideName(of: disk, in: folder) ?? disk
        if disk.hasPrefix("nvme") {
            return DevicePath(identity: name, commandDevice: "/dev/\(disk)", isNVMe: true)
        }
        let generic = DeviceFolder.entries(of: "\(folder)/\(disk)/device/scsi_generic").first
        guard let generic else {
            throw DriveError(
                drive: path, reason: "\(disk) is no SCSI or NVMe drive, or sg is not loaded")
        }
        return DevicePath(identity: name, commandDevice: "/dev/\(generic)", isNVMe: false)
    }

    private static func worldWideName(of disk: String, in folder: String) -> String? {
        for file in ["\(folder)/\(disk)/device/wwid", "\(folder)/\(disk)/wwid"] {
            if let name = DeviceFolder.lines(of: file).first, !name.isEmpty { return name }
        }
        return nil
    }

    /// The drive that takes commands there.
    package var drive: any Drive {
        self.isNVMe
            ? NVMeDrive(
                identity: self.identity, transport: KernelNVMeTransport(path: self.commandDevice))
            : SCSIDrive(
                identity: self.identity, transport: KernelSCSITransport(path: self.commandDevice))
    }
}
