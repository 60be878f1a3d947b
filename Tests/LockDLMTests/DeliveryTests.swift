#if DLM
import Glibc
import LockCore
import Testing

@testable import LockDLM

/// What the kernel delivers on a lockspace's descriptor, one message at a time.
@Suite struct DeliveryTests {
    private static let seven = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 7)

    /// Bytes as `struct dlm_lock_result` has them, with the value block behind.
    private static func message(
        lock: UInt, block: UInt, status: Int32 = 0, blocking: UInt8 = 0, value: ValueBlock? = nil
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 24)
        func add(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number) { bytes += $0 }
        }
        add(UInt64(lock))
        add(UInt64(block))
        add(status)
        add(UInt32(99))
        // Flags, and the address of a value block in the kernel.
        add(UInt64(0))
        add(UInt64.max)
        add(UInt32(blocking))
        add(UInt32(value == nil ? 0 : 72))
        if let value { bytes += value.stored + Array(repeating: 0, count: 24) }
        return bytes
    }

    /// What comes of messages for one lock, number 1, after the block was prepared.
    private static func deliver(
        _ messages: (_ block: UInt) -> [[UInt8]]
    ) -> (deliveries: [DLMDelivery], completion: DLMCompletion) {
        var ends: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        precondition(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        let block = BlockMemory.allocate()
        defer { BlockMemory.at(block).deallocate() }
        for message in messages(block.address) {
            precondition(write(ends[1], message, message.count) == message.count)
        }
        let deliveries = Deliveries.read(from: ends[0]) { $0 == 1 ? block : nil }
        return (deliveries, BlockMemory.at(block).pointee.completion)
    }

    @Test func `an answer is written to the lock's block`() {
        let (deliveries, completion) = Self.deliver { block in
            [
                Self.message(lock: 1, block: block, value: Self.seven),
                Self.message(lock: 1, block: block, status: -11),
            ]
        }
        #expect(deliveries.map(\.isBlocking) == [false, false])
        #expect(completion == DLMCompletion(.again, value: Self.seven))
    }

    @Test func `that another host waits changes nothing in the block`() {
        let (deliveries, completion) = Self.deliver { block in
            [Self.message(lock: 1, block: block, status: -11, blocking: 5)]
        }
        #expect(deliveries == [DLMDelivery(lock: 1, isBlocking: true)])
        #expect(completion.status == .success)
    }

    @Test func `what an ended process asked for is dropped`() {
        let (deliveries, completion) = Self.deliver { block in
            [
                Self.message(lock: 1, block: 0x7fb4_d801_a820, value: Self.seven),
                Self.message(lock: 2, block: block, value: Self.seven),
                Self.message(lock: 1, block: block, status: -11),
            ]
        }
        #expect(deliveries == [DLMDelivery(lock: 1, isBlocking: false)])
        #expect(completion == DLMCompletion(.again, value: ValueBlock()))
    }
}
#endif
