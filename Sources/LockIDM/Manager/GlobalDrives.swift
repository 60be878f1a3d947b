internal import Glibc
internal import LockCore

/// The drives that carry the global lock: those with a partition called `propeller`.
///
/// The kernel has the partitions' names, so nothing is read from the drives. (lvmlockd looks at
/// SCSI disks only.)
package enum GlobalDrives {
    private static let partitionName = "propeller"

    /// Paths of whole drives.
    ///
    /// - Parameter folder: Where the kernel lists block devices.
    package static func find(in folder: String = "/sys/class/block") async -> [String] {
        await BlockingExecutor(label: "holdfast.idm-drives").run {
            var drives: Set<String> = []
            for device in DeviceFolder.entries(of: folder) {
                let lines = DeviceFolder.lines(of: "\(folder)/\(device)/uevent")
                guard lines.contains("PARTNAME=\(Self.partitionName)"),
                    let disk = DeviceFolder.wholeDisk(of: device, in: folder)
                else { continue }
                drives.insert("/dev/\(disk)")
            }
            return drives.sorted()
        }
    }
}

/// What the kernel tells of block devices.
enum DeviceFolder {
    static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// A small text file; nothing if it cannot be read.
    static func lines(of path: String) -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// The path with every link followed.
    static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// The disk that a partition is on; the device itself if it is none.
    static func wholeDisk(of device: String, in folder: String) -> String? {
        guard access("\(folder)/\(device)/partition", F_OK) == 0 else { return device }
        // The folder of a partition is in that of its disk.
        let parts = Self.resolved("\(folder)/\(device)")?.split(separator: "/") ?? []
        return parts.dropLast().last.map(String.init)
    }
}
