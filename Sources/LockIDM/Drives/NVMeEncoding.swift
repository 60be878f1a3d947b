/// An NVMe admin command with its data.
package struct NVMeRequest: Hashable, Sendable {
    package var operationCode: UInt8
    /// How much data there is, in units of 4 bytes.
    package var dword10: UInt32
    /// Operation and group.
    package var dword12: UInt32
    /// What goes to the drive.
    package var output: [UInt8]
    /// How many bytes come from it.
    package var inputCount: Int

    package init(
        operationCode: UInt8, dword10: UInt32, dword12: UInt32, output: [UInt8] = [],
        inputCount: Int = 0
    ) {
        self.operationCode = operationCode
        self.dword10 = dword10
        self.dword12 = dword12
        self.output = output
        self.inputCount = inputCount
    }
}

/// What a drive answers to an NVMe command.
package struct NVMeAnswer: Hashable, Sendable {
    /// Bits 7 to 0 are the status code; 0 for success.
    package var status: UInt32
    /// What came from the drive.
    package var input: [UInt8]

    package init(status: UInt32, input: [UInt8] = []) {
        self.status = status
        self.input = input
    }
}

/// Mutex commands as NVMe has them: vendor-specific admin commands, one that writes and one that
/// reads.
package enum NVMeEncoding {
    private static let writing: UInt8 = 0xc1
    private static let reading: UInt8 = 0xc2
    private static let group: UInt32 = 1
    private static let inquiryGroup: UInt32 = 0xff
    /// The operation that goes with reading, which drives ignore (`IDM_OPCODE_INIT`).
    private static let readOperation: UInt32 = 1
    /// Identify Controller, whose last byte is the mutexes' version.
    private static let identify: UInt8 = 0x06
    private static let identifySize = 4096

    package static func request(for command: DriveCommand) -> NVMeRequest {
        switch command {
        case .change(let change):
            return NVMeRequest(
                operationCode: Self.writing, dword10: UInt32(MutexBlock.size / 4),
                dword12: UInt32(change.operation.rawValue) << 4 | Self.group << 8,
                output: MutexBlock.encode(change))
        case .count: return Self.reading(1, of: Self.inquiryGroup)
        case .read(let records): return Self.reading(records, of: Self.group)
        case .version:
            return NVMeRequest(
                operationCode: Self.identify, dword10: 1, dword12: 0,
                inputCount: Self.identifySize)
        }
    }

    private static func reading(_ blocks: Int, of group: UInt32) -> NVMeRequest {
        let size = blocks * MutexBlock.size
        return NVMeRequest(
            operationCode: Self.reading, dword10: UInt32(clamping: size / 4),
            dword12: Self.readOperation << 4 | group << 8, inputCount: size)
    }

    /// What the drive is told; nil if it does not understand.
    package static func command(of request: NVMeRequest) -> DriveCommand? {
        let group = request.dword12 >> 8 & 0xff
        switch request.operationCode {
        case Self.identify: return request.dword10 == 1 ? .version : nil
        case Self.writing:
            let operation = UInt8(truncatingIfNeeded: request.dword12 >> 4 & 0xf)
            guard group == Self.group, Int(request.dword10) * 4 == request.output.count,
                let operation = MutexChange.Operation(rawValue: operation)
            else { return nil }
            return MutexBlock.change(operation, in: request.output).map { .change($0) }
        case Self.reading:
            let blocks = Int(request.dword10) * 4 / MutexBlock.size
            if group == Self.inquiryGroup { return blocks == 1 ? .count : nil }
            return group == Self.group ? .read(records: blocks) : nil
        default: return nil
        }
    }

    // MARK: Answers

    /// The drive's side. `page` is what it says when it counts its records.
    package static func encode(
        _ answer: DriveAnswer, to request: NVMeRequest, page: [UInt8] = []
    ) -> NVMeAnswer {
        switch answer {
        case .done: return NVMeAnswer(status: 0)
        case .refused(let refusal):
            let status = Self.codes.first { $0.refusal == refusal }?.status
            return NVMeAnswer(status: status ?? 0xc0)
        case .count(let count):
            let page =
                page.isEmpty ? MutexBlock.encode(count: count, exclusive: 0, shared: 0) : page
            return NVMeAnswer(status: 0, input: page)
        case .records(let records):
            var input = records.flatMap { MutexBlock.encode($0) }.prefix(request.inputCount)
            while input.count < request.inputCount { input += MutexBlock.end }
            return NVMeAnswer(status: 0, input: Array(input))
        case .version(let major, let minor):
            var input = [UInt8](repeating: 0, count: Self.identifySize)
            input[Self.identifySize - 1] = major << 4 | minor & 0xf
            return NVMeAnswer(status: 0, input: input)
        }
    }

    /// The host's side; nil if the answer is none that a drive gives.
    package static func answer(_ answer: NVMeAnswer, to command: DriveCommand) -> DriveAnswer? {
        guard answer.status == 0 else {
            let code = answer.status & 0xff
            return Self.codes.first { $0.status == code }.map { .refused($0.refusal) }
        }
        switch command {
        case .change: return .done
        case .count: return MutexBlock.count(in: answer.input).map { .count($0) }
        case .read: return .records(MutexBlock.records(in: answer.input))
        case .version:
            guard answer.input.count == Self.identifySize, let byte = answer.input.last else {
                return nil
            }
            return .version(major: byte >> 4, minor: byte & 0xf)
        }
    }

    /// Status codes, the first for each reason being the one that drives give.
    private static let codes: [(refusal: DriveRefusal, status: UInt32)] = [
        (.conflict, 0xca), (.terminated, 0xcb), (.busy, 0xcc), (.notFound, 0xc9),
        (.mutexesFull, 0xc6), (.hostsFull, 0xc7), (.sharersFull, 0xc8), (.notUnderstood, 0xc5),
        (.notUnderstood, 0xc0), (.notUnderstood, 0xc1), (.notUnderstood, 0xc2),
        (.notUnderstood, 0xc3), (.notUnderstood, 0xc4),
    ]
}
