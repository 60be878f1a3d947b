import Foundation
import LockIDM
import Testing

/// Paths to drives, and the kernel's calls as far as they go without one.
@Suite struct DeviceTests {
    /// A folder that looks as the kernel's list of block devices does.
    private final class Kernel {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hfk\(UUID())")
        var list: String { self.folder.appending(path: "class").path }
        var devices: String { self.folder.appending(path: "dev").path }

        init() throws {
            for device in [
                "sda", "sda/sda1", "sda/sda2", "nvme0n1", "nvme0n1/nvme0n1p1", "dm-0", "loop0",
            ] {
                try self.make("devices/\(device)", "")
                let name = device.split(separator: "/").last.map(String.init) ?? device
                try FileManager.default.createDirectory(
                    atPath: self.list, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: "\(self.list)/\(name)", withDestinationPath: "../devices/\(device)")
                try self.make("dev/\(name)", nil)
            }
            for partition in ["sda/sda1", "sda/sda2", "nvme0n1/nvme0n1p1"] {
                try self.make("devices/\(partition)/partition", nil)
            }
            try self.make("devices/sda/device/scsi_generic/sg3", "")
            try self.make("devices/sda/device/wwid", nil, "naa.5000c500a1b2c3d4\n")
            try self.make("devices/nvme0n1/wwid", nil, "eui.0025385b11b2c3d4\n")
            try self.make("devices/dm-0/slaves/sda2", "")
            try self.make("devices/sda/sda1/uevent", nil, "DEVTYPE=partition\nPARTNAME=propeller\n")
        }

        deinit { try? FileManager.default.removeItem(at: self.folder) }

        /// A folder, or with nil for its content a file.
        private func make(_ path: String, _ folder: String?, _ text: String = "") throws {
            let url = self.folder.appending(path: path)
            let parent = folder == nil ? url.deletingLastPathComponent() : url
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            if folder == nil { try Data(text.utf8).write(to: url) }
        }

        func resolve(_ name: String) throws -> DevicePath {
            try DevicePath.resolve("\(self.devices)/\(name)", in: self.list)
        }
    }

    @Test(arguments: ["sda", "sda1", "sda2", "dm-0"])
    func `a disk is found under its partitions and the device mapper`(_ name: String) throws {
        let path = try Kernel().resolve(name)
        #expect(path.identity == "naa.5000c500a1b2c3d4")
        #expect(path.commandDevice == "/dev/sg3" && !path.isNVMe)
    }

    @Test(arguments: ["nvme0n1", "nvme0n1p1"])
    func `an NVMe drive takes commands itself`(_ name: String) throws {
        let path = try Kernel().resolve(name)
        #expect(path.identity == "eui.0025385b11b2c3d4")
        #expect(path.commandDevice == "/dev/nvme0n1" && path.isNVMe)
    }

    @Test func `what is no such drive is an error that says so`() throws {
        let kernel = try Kernel()
        #expect { try kernel.resolve("loop0") } throws: {
            "\($0)".contains("no SCSI or NVMe drive")
        }
        #expect { try kernel.resolve("nowhere") } throws: {
            "\($0)".contains("there is no such device")
        }
    }

    @Test func `the drives of the global lock carry a partition of that name`() async throws {
        let kernel = try Kernel()
        #expect(await GlobalDrives.find(in: kernel.list) == ["/dev/sda"])
        #expect(await GlobalDrives.find(in: "/nowhere").isEmpty)
    }

    @Test func `the kernel's structures have the sizes that C gives them`() {
        #expect(KernelSCSITransport.headerSize == 88)
        #expect(KernelNVMeTransport.commandSize == 72)
    }

    @Test func `what takes no commands is an error with the system's number`() {
        let request = SCSIEncoding.request(for: .count)
        let admin = NVMeEncoding.request(for: .count)
        #expect { try KernelSCSITransport(path: "/dev/null").send(request) } throws: {
            ($0 as? DriveError)?.status == ENOTTY
        }
        #expect { try KernelNVMeTransport(path: "/dev/null").send(admin) } throws: {
            ($0 as? DriveError)?.status == ENOTTY
        }
        #expect { try KernelSCSITransport(path: "/nowhere").send(request) } throws: {
            ($0 as? DriveError)?.status == ENOENT
        }
        #expect { try KernelNVMeTransport(path: "/nowhere").send(admin) } throws: {
            ($0 as? DriveError)?.status == ENOENT
        }
    }
}
