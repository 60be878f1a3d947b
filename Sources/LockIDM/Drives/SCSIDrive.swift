internal import Glibc

/// Carries SCSI commands to one drive.
package protocol SCSITransport: Sendable {
    /// Sends a command and waits for its end.
    func send(_ request: SCSIRequest) throws(DriveError) -> SCSIAnswer
}

/// A drive that has its mutexes behind SCSI commands.
package struct SCSIDrive: Drive {
    package let identity: String
    private let transport: any SCSITransport

    package init(identity: String, transport: any SCSITransport) {
        self.identity = identity
        self.transport = transport
    }

    package func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer {
        let answer = try self.transport.send(SCSIEncoding.request(for: command))
        guard let meaning = SCSIEncoding.answer(answer, to: command) else {
            let sense = answer.sense.prefix(16).map { String($0, radix: 16) }.joined(separator: " ")
            throw DriveError(
                drive: self.identity, reason: "SCSI status \(answer.status), sense \(sense)",
                status: Int32(answer.status))
        }
        return meaning
    }
}

/// The kernel's way to a SCSI drive: the `SG_IO` call on its device.
package struct KernelSCSITransport: SCSITransport {
    private static let timeoutMilliseconds: UInt32 = 15_000
    /// `SG_IO` of <scsi/sg.h>.
    private static let call: UInt = 0x2285

    /// `struct sg_io_hdr` of <scsi/sg.h>, version 3.
    private struct Header {
        var interface = Int32(UInt8(ascii: "S"))
        var direction: Int32
        var commandCount: UInt8
        var senseLimit: UInt8
        var ioVectorCount: UInt16 = 0
        var dataCount: UInt32
        var data: UnsafeMutableRawPointer?
        var command: UnsafeMutablePointer<UInt8>?
        var sense: UnsafeMutablePointer<UInt8>?
        var timeout: UInt32
        var flags: UInt32 = 0
        var packID: Int32 = 0
        var userPointer: UnsafeMutableRawPointer?
        var status: UInt8 = 0
        var maskedStatus: UInt8 = 0
        var messageStatus: UInt8 = 0
        var senseCount: UInt8 = 0
        var hostStatus: UInt16 = 0
        var driverStatus: UInt16 = 0
        var residual: Int32 = 0
        var duration: UInt32 = 0
        var info: UInt32 = 0
        /// C fills the structure up to its alignment, and the kernel writes all of it.
        var fill: UInt32 = 0
    }

    /// `SG_DXFER_TO_DEV` and `SG_DXFER_FROM_DEV`.
    private static let toDevice: Int32 = -2
    private static let fromDevice: Int32 = -3
    /// With sense data, the driver says so in its own status; that is no failure.
    private static let driverSense: UInt16 = 0x08

    /// How many bytes the header has in C.
    package static var headerSize: Int { MemoryLayout<Header>.size }

    private let path: String

    /// - Parameter path: The drive's device, such as `/dev/sg3`.
    package init(path: String) {
        self.path = path
    }

    package func send(_ request: SCSIRequest) throws(DriveError) -> SCSIAnswer {
        let descriptor = open(self.path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw self.error("cannot be opened", errno) }
        defer { close(descriptor) }
        let isWrite = !request.output.isEmpty
        var command = request.command
        var sense = [UInt8](repeating: 0, count: SCSIEncoding.senseSize)
        var data =
            isWrite ? request.output : [UInt8](repeating: 0, count: request.inputCount)
        var header = Header(
            direction: isWrite ? Self.toDevice : Self.fromDevice,
            commandCount: UInt8(clamping: command.count), senseLimit: UInt8(sense.count),
            dataCount: UInt32(data.count), timeout: Self.timeoutMilliseconds)
        let status = command.withUnsafeMutableBufferPointer { command in
            sense.withUnsafeMutableBufferPointer { sense in
                data.withUnsafeMutableBytes { data in
                    header.command = command.baseAddress
                    header.sense = sense.baseAddress
                    header.data = data.baseAddress
                    return ioctl(descriptor, Self.call, &header) == 0 ? 0 : errno
                }
            }
        }
        guard status == 0 else { throw self.error("does not take SCSI commands", status) }
        guard header.hostStatus == 0, header.driverStatus & ~Self.driverSense == 0 else {
            throw self.error(
                "the command did not get through: host status \(header.hostStatus), "
                    + "driver status \(header.driverStatus)", nil)
        }
        return SCSIAnswer(
            status: header.status, sense: Array(sense.prefix(Int(header.senseCount))),
            input: isWrite ? [] : data)
    }

    private func error(_ reason: String, _ status: Int32?) -> DriveError {
        let words = status.map { ": \(systemText($0))" } ?? ""
        return DriveError(drive: self.path, reason: reason + words, status: status)
    }
}
