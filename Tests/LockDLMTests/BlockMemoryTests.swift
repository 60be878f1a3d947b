#if DLM
import LockCore
import Testing

@testable import LockDLM

/// What is in the memory that libdlm and the kernel share with a lock.
@Suite struct BlockMemoryTests {
    private static let written = ValueBlock(
        format: ValueBlock.currentFormat, resourceVersion: 7)

    @Test(arguments: [
        DLMConversion(from: .shared, to: .shared, confirms: true),
        DLMConversion(from: .shared, to: .exclusive),
    ])
    func `a hold's value block is there for a new master to learn`(_ conversion: DLMConversion) {
        var memory = BlockMemory()
        memory.prepare(DLMConversion(from: .exclusive, to: .shared, writing: Self.written))
        memory.prepare(conversion)
        #expect(memory.completion.value == Self.written)
    }

    @Test func `what was never written is not handed out`() {
        var memory = BlockMemory()
        memory.prepare(DLMConversion(from: .exclusive, to: .null, writing: Self.written))
        memory.prepare(DLMConversion(from: .null, to: .shared))
        #expect(memory.completion.value == ValueBlock())
    }
}
#endif
