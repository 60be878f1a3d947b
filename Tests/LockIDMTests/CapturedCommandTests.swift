import Foundation
import LockIDM
import LockIDMEmulation
import Testing

/// The commands to drives against what propeller's daemon sent to one.
@Suite struct CapturedCommandTests {
    private static let commands = Result { try CapturedBytes.commands() }

    private func request(_ captured: CapturedBytes.Command) -> SCSIRequest {
        let isWrite = captured.title.contains("WRITE")
        let blocks = captured.block.count == 16 ? Int(captured.block[13]) : 0
        return isWrite
            ? SCSIRequest(command: captured.block, output: captured.data)
            : SCSIRequest(
                command: captured.block,
                inputCount: captured.block.count == 6 ? 0x70 : blocks * MutexBlock.size)
    }

    @Test func `commands are those that were captured, both ways`() throws {
        let commands = try Self.commands.get()
        #expect(commands.count > 40)
        var operations: Set<MutexChange.Operation> = []
        for captured in commands {
            let request = self.request(captured)
            let command = try #require(SCSIEncoding.command(of: request), "\(captured.title)")
            #expect(SCSIEncoding.request(for: command) == request, "\(captured.title)")
            guard case .change(let change) = command else { continue }
            operations.insert(change.operation)
            #expect(captured.title.hasSuffix("op=\(change.operation.captured)"))
        }
        #expect(operations == Set(MutexChange.Operation.allCases))
    }

    @Test func `answers are those that were captured, both ways`() throws {
        for captured in try Self.commands.get() {
            let request = self.request(captured)
            let command = try #require(SCSIEncoding.command(of: request))
            let isWrite = !request.output.isEmpty
            let given = SCSIAnswer(
                status: try #require(captured.statusByte), sense: captured.sense,
                input: isWrite ? [] : Array(captured.data.prefix(request.inputCount)))
            let answer = try #require(
                SCSIEncoding.answer(given, to: command), "\(captured.title)")
            switch answer {
            case .refused:
                let encoded = SCSIEncoding.encode(answer, to: request)
                #expect(encoded.status == given.status, "\(captured.title)")
                #expect(encoded.sense.starts(with: given.sense), "\(captured.title)")
            case .records(let records):
                // Of several blocks the capture shows the first.
                #expect(records.count <= 1)
                let encoded = SCSIEncoding.encode(answer, to: request)
                #expect(encoded.input.prefix(512) == given.input.prefix(512))
            case .count(let count):
                #expect(count <= 2)
            case .done, .version:
                let encoded = SCSIEncoding.encode(answer, to: request)
                #expect(encoded == given, "\(captured.title)")
            }
        }
    }

    @Test func `the emulated drive answers the captured commands with the captured bytes`() throws {
        var drives = [EmulatedDrive(), EmulatedDrive()]
        for captured in try Self.commands.get() {
            let drive = captured.title.hasPrefix("sda") ? 0 : 1
            let answer = drives[drive].answer(self.request(captured), now: 0)
            #expect(answer.status == captured.statusByte, "\(captured.title)")
            #expect(answer.sense.starts(with: captured.sense), "\(captured.title)")
            guard self.request(captured).output.isEmpty else { continue }
            #expect(
                answer.input.prefix(512) == captured.data.prefix(answer.input.count).prefix(512),
                "\(captured.title)")
        }
    }

    @Test func `a value travels as seven bytes behind the kind of update`() throws {
        let stamp = ChangeStamp(valueBlock: [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef])
        let change = MutexChange(
            .unlock, .global, by: HostID(number: 1, boot: []), as: .exclusive, value: stamp)
        let bytes = MutexBlock.encode(change)[0x20..<0x28]
        #expect(Array(bytes) == [0x01, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01])
        #expect(stamp.valueBlock == [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0])
    }

    @Test func `every command and refusal is the same after SCSI and after NVMe`() {
        let host = HostID.random()
        let commands: [DriveCommand] =
            MutexChange.Operation.allCases.map {
                .change(
                    MutexChange(
                        $0, .global.members, by: host, as: .shared, countdownMilliseconds: 60_000,
                        hostTimeMilliseconds: 7, value: ChangeStamp(rawValue: 0x0102_0304_0506)))
            } + [.count, .read(records: 1), .read(records: 300), .version]
        for command in commands {
            let scsi = SCSIEncoding.request(for: command)
            let nvme = NVMeEncoding.request(for: command)
            #expect(SCSIEncoding.command(of: scsi) == command)
            #expect(NVMeEncoding.command(of: nvme) == command)
            for refusal in DriveRefusal.allCases {
                let answer = DriveAnswer.refused(refusal)
                #expect(
                    SCSIEncoding.answer(SCSIEncoding.encode(answer, to: scsi), to: command)
                        == answer)
                #expect(
                    NVMeEncoding.answer(NVMeEncoding.encode(answer, to: nvme), to: command)
                        == answer)
            }
        }
    }

    @Test func `NVMe commands have the numbers of the specification`() {
        let change = MutexChange(.refresh, .global, by: .random(), as: .exclusive)
        let write = NVMeEncoding.request(for: .change(change))
        #expect(write.operationCode == 0xc1 && write.dword10 == 0x80 && write.dword12 == 0x0150)
        #expect(write.output.count == 512)
        let read = NVMeEncoding.request(for: .read(records: 3))
        #expect(read.operationCode == 0xc2 && read.dword10 == 0x180 && read.inputCount == 1536)
        #expect(NVMeEncoding.request(for: .count).dword12 >> 8 == 0xff)
        let version = NVMeEncoding.request(for: .version)
        #expect(version.operationCode == 0x06 && version.inputCount == 4096)
    }

    @Test func `what is no answer of a drive is told apart from every answer`() {
        #expect(SCSIEncoding.answer(SCSIAnswer(status: 0x28), to: .count) == nil)
        #expect(SCSIEncoding.answer(SCSIAnswer(status: 0x02, sense: []), to: .count) == nil)
        #expect(SCSIEncoding.answer(SCSIAnswer(status: 0), to: .count) == nil)
        #expect(NVMeEncoding.answer(NVMeAnswer(status: 0x4002), to: .count) == nil)
        #expect(NVMeEncoding.answer(NVMeAnswer(status: 0), to: .count) == nil)
        #expect(MutexBlock.records(in: Array(repeating: 0xff, count: 512)).isEmpty)
    }
}

extension MutexChange.Operation {
    fileprivate var captured: String {
        switch self {
        case .tryLock: "TRYLOCK"
        case .unlock: "UNLOCK"
        case .refresh: "REFRESH"
        case .takeOver: "BREAK"
        case .destroy: "DESTROY"
        }
    }
}

extension CapturedBytes.Command {
    fileprivate var statusByte: UInt8? {
        switch true {
        case self.status.hasPrefix("GOOD"): 0x00
        case self.status.hasPrefix("RESERVATION CONFLICT"): 0x18
        case self.status.hasPrefix("COMMAND TERMINATED"): 0x22
        case self.status.hasPrefix("CHECK CONDITION"): 0x02
        default: nil
        }
    }

    fileprivate var sense: [UInt8] {
        guard let start = self.status.range(of: "sense ") else { return [] }
        return self.status[start.upperBound...].split(separator: " ")
            .compactMap { UInt8($0, radix: 16) }
    }
}
