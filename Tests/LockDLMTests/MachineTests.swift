import LockCore
import Testing

@testable import LockDLM

/// One lock, as values.
@Suite struct MachineTests {
    @Test func `whenever the caller is taken away, no grant is left over`() {
        var points: Set<MachineWalk.Point> = []
        let orphans: [DLMMode?] = [nil, nil, .shared, .exclusive]
        for seed in 0..<40_000 as Range<UInt64> {
            let orphan = orphans[Int(seed % 4)]
            var walk = MachineWalk(seed: seed, orphan: orphan)
            let adopting: Adoption = orphan == nil || seed % 5 == 0 ? .none : .allowed
            let acquire = DLMCall.acquire(.exclusive, waits: seed % 3 != 0, adopting: adopting)
            switch walk.call(acquire) {
            case .success(.granted):
                #expect(walk.mode == .exclusive, "seed \(seed)")
                for mode in [LockMode.shared, .exclusive] where seed % 7 == 0 {
                    let before = walk.mode
                    let answer = walk.call(.convert(mode, writing: nil))
                    let isConverted = if case .success(.granted) = answer { true } else { false }
                    #expect(walk.mode == (isConverted ? DLMMode(mode) : before), "seed \(seed)")
                }
                _ = walk.call(.release(writing: nil))
            case .failure(let error) where error.hold == .unknown:
                _ = walk.call(.release(writing: nil))
            default: break
            }
            walk.settle()
            #expect(walk.mode == nil || walk.mode == .null, "seed \(seed)")
            _ = walk.call(.forget)
            walk.settle()
            #expect(walk.mode == nil && walk.machine.isOver, "seed \(seed)")
            #expect(walk.problems.isEmpty, "seed \(seed)")
            #expect(Set(walk.wanted).count == walk.wanted.count, "seed \(seed): wanted twice")
            points.formUnion(walk.points)
        }
        #expect(points == Set(MachineWalk.Point.allCases))
    }

    @Test func `who asks again after giving up waits for the kernel's old answer first`() {
        for seed in 0..<5_000 as Range<UInt64> {
            var walk = MachineWalk(seed: seed)
            for _ in 1...3 {
                let answer = walk.call(.acquire(.exclusive, waits: true, adopting: .none))
                if case .success(.granted) = answer {
                    #expect(walk.mode == .exclusive, "seed \(seed)")
                    _ = walk.call(.release(writing: nil))
                }
            }
            walk.settle()
            #expect(walk.mode == nil || walk.mode == .null, "seed \(seed)")
            #expect(walk.problems.isEmpty, "seed \(seed)")
        }
    }

    /// A kernel that grants everything, and answers with these blocks where it hands them out.
    private static func readings(_ blocks: [ValueBlock?]) -> [ValueBlockReading] {
        let space = Lockspace.ID(kind: .dlm, volumeGroup: "vg")
        var machine = DLMLockMachine(
            Resource.ID(lockspace: space, name: .volumeGroup), mayHaveOrphans: false)
        var readings: [ValueBlockReading] = []
        var grants: UInt64 = 0
        func run(_ call: DLMCall, _ block: ValueBlock?) {
            var effects = machine.called(call)
            while !effects.isEmpty {
                let effect = effects.removeFirst()
                grants += 1
                switch effect {
                case .perform:
                    effects += machine.handedOver(.success, as: Grant.ID(grants))
                    effects += machine.completed(
                        DLMCompletion(.success, value: block), as: Grant.ID(grants))
                case .answer(.success(.granted(let grant))): readings.append(grant.value)
                case .answer, .cancel, .wanted, .pause: break
                }
            }
        }
        for block in blocks {
            run(.acquire(.shared, waits: false, adopting: .none), block)
            run(.release(writing: nil), block)
        }
        return readings
    }

    @Test func `a value block that was lost has changed, every time`() {
        let five = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 5)
        let six = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 6)
        #expect(
            Self.readings([five, nil, nil, six]) == [.value(five), .changed, .changed, .value(six)])
        // The same number again stands for other data.
        #expect(
            Self.readings([five, nil, five, five]) == [
                .value(five), .changed, .changed, .value(five),
            ])
    }

    @Test func `a value block has lvmlockd's layout`() {
        let block = ValueBlock(
            format: 0x0101, flags: .removed, resourceVersion: 0x0A0B_0C0D)
        #expect(block.stored == [0x01, 0x01, 0x01, 0x00, 0x0D, 0x0C, 0x0B, 0x0A])
        #expect(ValueBlock(stored: block.stored + Array(repeating: 0xFF, count: 24)) == block)
    }
}
