internal import Glibc
public import LockIDM

/// Emulated drives behind sockets, so that hosts in other processes reach them: what travels is a
/// drive's own commands, byte for byte. Every other drive speaks NVMe, the others SCSI.
public final class EmulatedDriveServer: Sendable {
    private let drives: EmulatedDriveBank
    private let listeners: [(descriptor: Int32, path: String)]

    /// Serves one host's cables to the drives.
    ///
    /// - Parameters:
    ///   - folder: Where the sockets are made; has to exist.
    ///   - paths: What the host calls the drives, in their order.
    public init(
        _ drives: EmulatedDriveBank, host: Int, paths: [String], folder: String
    ) throws(DriveError) {
        self.drives = drives
        var listeners: [(descriptor: Int32, path: String)] = []
        for (index, path) in paths.enumerated() {
            let isNVMe = !index.isMultiple(of: 2)
            let socket = DriveSocket.path(of: path, isNVMe: isNVMe, in: folder)
            let descriptor = try SocketListener.open(socket)
            listeners.append((descriptor, socket))
            startThread {
                SocketListener.accept(on: descriptor) { client in
                    startThread {
                        DriveSocket.serve(
                            UnixStream(client), isNVMe: isNVMe, drives, index, host)
                    }
                }
            }
        }
        self.listeners = listeners
    }

    deinit {
        for (descriptor, path) in self.listeners { SocketListener.close(descriptor, path) }
    }

    /// The drive that a host reaches through the sockets of a folder.
    public static func drive(
        behind path: String, in folder: String
    ) throws(DriveError) -> any Drive {
        for isNVMe in [false, true] {
            let socket = DriveSocket.path(of: path, isNVMe: isNVMe, in: folder)
            guard access(socket, F_OK) == 0 else { continue }
            let transport = DriveSocket(path: socket)
            return isNVMe
                ? NVMeDrive(identity: path, transport: transport)
                : SCSIDrive(identity: path, transport: transport)
        }
        throw DriveError(drive: path, reason: "there is no such emulated drive")
    }
}

/// One command on one connection: its bytes there, and the answer's back.
struct DriveSocket: SCSITransport, NVMeTransport {
    /// Instead of an answer: the command did not get through.
    private static let failure = UInt32.max
    private static let limit = Duration.seconds(15)

    let path: String

    static func path(of drive: String, isNVMe: Bool, in folder: String) -> String {
        let name = drive.split(separator: "/").joined(separator: "-")
        return "\(folder)/\(name).\(isNVMe ? "nvme" : "scsi")"
    }

    // MARK: The host's side

    func send(_ request: SCSIRequest) throws(DriveError) -> SCSIAnswer {
        let (status, sense, input) = try self.exchange(
            request.command, request.output, request.inputCount)
        return SCSIAnswer(status: UInt8(truncatingIfNeeded: status), sense: sense, input: input)
    }

    func send(_ request: NVMeRequest) throws(DriveError) -> NVMeAnswer {
        var command = [request.operationCode]
        command.appendLittleEndian(request.dword10)
        command.appendLittleEndian(request.dword12)
        let (status, _, input) = try self.exchange(command, request.output, request.inputCount)
        return NVMeAnswer(status: status, input: input)
    }

    private func exchange(
        _ command: [UInt8], _ output: [UInt8], _ inputCount: Int
    ) throws(DriveError) -> (status: UInt32, sense: [UInt8], input: [UInt8]) {
        do throws(UnixStream.Failure) {
            let stream = try UnixStream(connectingTo: self.path, within: .seconds(5))
            var message: [UInt8] = []
            for count in [command.count, output.count, inputCount] {
                message.appendLittleEndian(UInt32(count))
            }
            try stream.send(message + command + output, within: Self.limit)
            let status = try Self.number(stream)
            guard status != Self.failure else { throw UnixStream.Failure.system(EIO) }
            let counts = (try Self.number(stream), try Self.number(stream))
            return (
                status, try stream.receive(Int(counts.0), within: Self.limit),
                try stream.receive(Int(counts.1), within: Self.limit)
            )
        } catch {
            throw DriveError(
                drive: self.path, reason: "the emulated drive does not answer: \(error)",
                status: EIO)
        }
    }

    private static func number(
        _ stream: UnixStream, within limit: Duration? = limit
    ) throws(UnixStream.Failure) -> UInt32 {
        var reader = ByteReader(try stream.receive(4, within: limit))
        return reader.littleEndian() ?? 0
    }

    // MARK: The drive's side

    static func serve(
        _ stream: UnixStream, isNVMe: Bool, _ drives: EmulatedDriveBank, _ drive: Int, _ host: Int
    ) {
        do throws(UnixStream.Failure) {
            let command = Int(try Self.number(stream))
            let (output, inputCount) = (try Self.number(stream), try Self.number(stream))
            let bytes = try stream.receive(command, within: Self.limit)
            let data = try stream.receive(Int(output), within: Self.limit)
            try stream.send(
                Self.answer(bytes, data, Int(inputCount), isNVMe: isNVMe, drives, drive, host),
                within: Self.limit)
        } catch {
            // Whoever asked has gone.
        }
    }

    private static func answer(
        _ command: [UInt8], _ output: [UInt8], _ inputCount: Int, isNVMe: Bool,
        _ drives: EmulatedDriveBank, _ drive: Int, _ host: Int
    ) -> [UInt8] {
        var status = Self.failure
        var (sense, input): ([UInt8], [UInt8]) = ([], [])
        do throws(DriveError) {
            if isNVMe {
                var reader = ByteReader(command)
                let request = NVMeRequest(
                    operationCode: reader.bytes(1)?[0] ?? 0, dword10: reader.littleEndian() ?? 0,
                    dword12: reader.littleEndian() ?? 0, output: output, inputCount: inputCount)
                let answer = try drives.perform(request, on: drive, from: host)
                (status, input) = (answer.status, answer.input)
            } else {
                var request = SCSIRequest(command: command, output: output)
                request.inputCount = inputCount
                let answer = try drives.perform(request, on: drive, from: host)
                (status, sense, input) = (UInt32(answer.status), answer.sense, answer.input)
            }
        } catch {
            status = Self.failure
        }
        var message: [UInt8] = []
        message.appendLittleEndian(status)
        guard status != Self.failure else { return message }
        message.appendLittleEndian(UInt32(sense.count))
        message.appendLittleEndian(UInt32(input.count))
        return message + sense + input
    }
}
