internal import Glibc

/// Carries NVMe admin commands to one drive.
package protocol NVMeTransport: Sendable {
    /// Sends a command and waits for its end.
    func send(_ request: NVMeRequest) throws(DriveError) -> NVMeAnswer
}

/// A drive that has its mutexes behind NVMe commands.
package struct NVMeDrive: Drive {
    package let identity: String
    private let transport: any NVMeTransport

    package init(identity: String, transport: any NVMeTransport) {
        self.identity = identity
        self.transport = transport
    }

    package func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer {
        let answer = try self.transport.send(NVMeEncoding.request(for: command))
        guard let meaning = NVMeEncoding.answer(answer, to: command) else {
            throw DriveError(
                drive: self.identity, reason: "NVMe status \(String(answer.status, radix: 16))",
                status: Int32(bitPattern: answer.status))
        }
        return meaning
    }
}

/// The kernel's way to an NVMe drive: the `NVME_IOCTL_ADMIN_CMD` call on its namespace.
package struct KernelNVMeTransport: NVMeTransport {
    private static let timeoutMilliseconds: UInt32 = 15_000
    /// `NVME_IOCTL_ADMIN_CMD` of <linux/nvme_ioctl.h>.
    private static let call: UInt = 0xc048_4e41

    /// `struct nvme_admin_cmd` of <linux/nvme_ioctl.h>.
    private struct Command {
        var operationCode: UInt8
        var flags: UInt8 = 0
        var reserved1: UInt16 = 0
        var namespace: UInt32 = 0
        var dword2: UInt32 = 0
        var dword3: UInt32 = 0
        var metadata: UInt64 = 0
        var address: UInt64 = 0
        var metadataCount: UInt32 = 0
        var dataCount: UInt32
        var dword10: UInt32
        var dword11: UInt32 = 0
        var dword12: UInt32
        var dword13: UInt32 = 0
        var dword14: UInt32 = 0
        var dword15: UInt32 = 0
        var timeout: UInt32
        var result: UInt32 = 0
    }

    /// How many bytes the command has in C.
    package static var commandSize: Int { MemoryLayout<Command>.size }

    private let path: String

    /// - Parameter path: The drive's namespace, such as `/dev/nvme0n1`.
    package init(path: String) {
        self.path = path
    }

    package func send(_ request: NVMeRequest) throws(DriveError) -> NVMeAnswer {
        let descriptor = open(self.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw self.error("cannot be opened", errno) }
        defer { close(descriptor) }
        let isWrite = !request.output.isEmpty
        var data =
            isWrite ? request.output : [UInt8](repeating: 0, count: request.inputCount)
        var command = Command(
            operationCode: request.operationCode, dataCount: UInt32(data.count),
            dword10: request.dword10, dword12: request.dword12,
            timeout: Self.timeoutMilliseconds)
        let (status, number) = data.withUnsafeMutableBytes { data in
            command.address = UInt64(UInt(bitPattern: data.baseAddress))
            let status = ioctl(descriptor, Self.call, &command)
            return (status, errno)
        }
        guard status >= 0 else { throw self.error("does not take NVMe commands", number) }
        return NVMeAnswer(status: UInt32(status), input: isWrite ? [] : data)
    }

    private func error(_ reason: String, _ status: Int32) -> DriveError {
        DriveError(
            drive: self.path, reason: "\(reason): \(systemText(status))", status: status)
    }
}
