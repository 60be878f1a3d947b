/// A SCSI command with its data.
package struct SCSIRequest: Hashable, Sendable {
    /// The command descriptor block.
    package var command: [UInt8]
    /// What goes to the drive.
    package var output: [UInt8] = []
    /// How many bytes come from it.
    package var inputCount = 0
}

/// What a drive answers to a SCSI command.
package struct SCSIAnswer: Hashable, Sendable {
    /// The status byte.
    package var status: UInt8
    /// With a check condition, what is wrong.
    package var sense: [UInt8] = []
    /// What came from the drive.
    package var input: [UInt8] = []

    package init(status: UInt8, sense: [UInt8] = [], input: [UInt8] = []) {
        self.status = status
        self.sense = sense
        self.input = input
    }
}

/// Mutex commands as SCSI has them: operation code F0 both ways, told apart by the direction of the
/// data.
package enum SCSIEncoding {
    package static let senseSize = 64
    private static let operationCode: UInt8 = 0xf0
    private static let group: UInt8 = 1
    private static let inquiryGroup: UInt8 = 0xff
    /// A page of the drive's vital product data, of which one byte is the mutexes' version.
    private static let versionPage: [UInt8] = [0x12, 0x01, 0xc3, 0x00, 0x70, 0x00]
    private static let versionOffset = 96

    /// Status bytes (SAM).
    private enum Status {
        static let good: UInt8 = 0x00
        static let checkCondition: UInt8 = 0x02
        static let busy: UInt8 = 0x08
        static let reservationConflict: UInt8 = 0x18
        static let commandTerminated: UInt8 = 0x22
    }

    package static func request(for command: DriveCommand) -> SCSIRequest {
        switch command {
        case .change(let change):
            var block = [UInt8](repeating: 0, count: 16)
            block[0] = Self.operationCode
            block[1] = change.operation.rawValue << 4
            block[12] = UInt8(MutexBlock.size >> 8)
            block[14] = Self.group
            return SCSIRequest(command: block, output: MutexBlock.encode(change))
        case .count: return Self.reading(1, of: Self.inquiryGroup)
        case .read(let records): return Self.reading(records, of: Self.group)
        case .version:
            return SCSIRequest(command: Self.versionPage, inputCount: Int(Self.versionPage[4]))
        }
    }

    private static func reading(_ blocks: Int, of group: UInt8) -> SCSIRequest {
        var command: [UInt8] = [Self.operationCode, 1, 0, 0, 0, 0, 0, 0, 0, 0]
        command.appendBigEndian(UInt32(clamping: blocks))
        command += [group, 0]
        return SCSIRequest(command: command, inputCount: blocks * MutexBlock.size)
    }

    /// What the drive is told; nil if it does not understand.
    package static func command(of request: SCSIRequest) -> DriveCommand? {
        let bytes = request.command
        if bytes == Self.versionPage { return .version }
        guard bytes.count == 16, bytes[0] == Self.operationCode else { return nil }
        guard request.output.isEmpty else {
            guard bytes[14] == Self.group,
                let operation = MutexChange.Operation(rawValue: bytes[1] >> 4)
            else { return nil }
            return MutexBlock.change(operation, in: request.output).map { .change($0) }
        }
        let blocks = bytes[10..<14].reduce(0) { $0 << 8 | Int($1) }
        switch bytes[14] {
        case Self.inquiryGroup: return blocks == 1 ? .count : nil
        case Self.group: return .read(records: blocks)
        default: return nil
        }
    }

    // MARK: Answers

    /// The drive's side. `page` is what it says when it counts its records.
    package static func encode(
        _ answer: DriveAnswer, to request: SCSIRequest, page: [UInt8] = []
    ) -> SCSIAnswer {
        switch answer {
        case .done: return SCSIAnswer(status: Status.good)
        case .refused(let refusal): return Self.encode(refusal)
        case .count(let count):
            let page =
                page.isEmpty ? MutexBlock.encode(count: count, exclusive: 0, shared: 0) : page
            return SCSIAnswer(status: Status.good, input: page)
        case .records(let records):
            var input = records.flatMap { MutexBlock.encode($0) }.prefix(request.inputCount)
            while input.count < request.inputCount { input += MutexBlock.end }
            return SCSIAnswer(status: Status.good, input: Array(input))
        case .version(let major, _):
            var input = [UInt8](repeating: 0, count: request.inputCount)
            input[1] = Self.versionPage[2]
            input[Self.versionOffset] = major
            return SCSIAnswer(status: Status.good, input: input)
        }
    }

    /// The host's side; nil if the answer is none that a drive gives.
    package static func answer(_ answer: SCSIAnswer, to command: DriveCommand) -> DriveAnswer? {
        switch answer.status {
        case Status.good: break
        case Status.reservationConflict: return .refused(.conflict)
        case Status.commandTerminated: return .refused(.terminated)
        case Status.busy: return .refused(.busy)
        case Status.checkCondition: return Self.refusal(in: answer.sense).map { .refused($0) }
        default: return nil
        }
        switch command {
        case .change: return .done
        case .count: return MutexBlock.count(in: answer.input).map { .count($0) }
        case .read: return .records(MutexBlock.records(in: answer.input))
        case .version:
            guard answer.input.count > Self.versionOffset else { return nil }
            return .version(major: answer.input[Self.versionOffset], minor: 0)
        }
    }

    // MARK: Sense data

    /// Sense key and additional code of what drives complain of.
    private static let complaints: [(refusal: DriveRefusal, key: UInt8, code: UInt8)] = [
        (.notFound, 0x05, 0x21), (.notUnderstood, 0x05, 0x20), (.mutexesFull, 0x07, 0x40),
        (.hostsFull, 0x07, 0x41), (.sharersFull, 0x07, 0x42),
    ]

    private static func encode(_ refusal: DriveRefusal) -> SCSIAnswer {
        switch refusal {
        case .conflict: return SCSIAnswer(status: Status.reservationConflict)
        case .terminated: return SCSIAnswer(status: Status.commandTerminated)
        case .busy: return SCSIAnswer(status: Status.busy)
        case .notFound, .mutexesFull, .hostsFull, .sharersFull, .notUnderstood:
            let complaint = Self.complaints.first { $0.refusal == refusal }
            var sense: [UInt8] = [
                0x72, complaint?.key ?? 0x05, complaint?.code ?? 0x20, 0, 0, 0, 0,
            ]
            sense +=
                refusal == .notUnderstood ? [0x1c] : [0x14, 0x03, 0x02, 0x00, 0x01, 0x80, 0x0e]
            sense += repeatElement(0, count: Self.senseSize - sense.count)
            return SCSIAnswer(status: Status.checkCondition, sense: sense)
        }
    }

    /// What the drive complains of, in descriptor or fixed format. Of the fixed one drives know a
    /// variant of their own, with a code as key.
    private static func refusal(in sense: [UInt8]) -> DriveRefusal? {
        guard sense.count >= 14 else { return nil }
        let (key, code) =
            switch sense[0] & 0x7f {
            case 0x72, 0x73: (sense[1] & 0x0f, sense[2])
            case 0x70, 0x71: (sense[2] & 0x0f, sense[12])
            default: (0, 0)
            }
        if key == 0x07, code == 0x30 || code == 0x31 { return .notUnderstood }
        return Self.complaints.first { $0.key == key && $0.code == code }?.refusal
    }
}

extension SCSIRequest {
    package init(command: [UInt8], output: [UInt8]) {
        self.command = command
        self.output = output
    }

    package init(command: [UInt8], inputCount: Int) {
        self.command = command
        self.inputCount = inputCount
    }
}
