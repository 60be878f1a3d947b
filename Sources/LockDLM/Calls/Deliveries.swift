#if DLM
internal import CDLM
internal import Glibc

/// What the kernel delivers on a lockspace's descriptor.
///
/// libdlm would write wherever a delivery says, and call what it says. That cannot be trusted: when
/// a process ends, the kernel marks its locks so that nothing is delivered for them any more, but
/// the late answer of another node takes the mark away again. What the ended process asked for can
/// then reach the next one that opens the lockspace, with addresses that mean nothing there.
enum Deliveries {
    /// An `astaddr` and `bastaddr`: the kernel wants to be given one. Nobody calls it.
    static let callback: @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }

    /// A `struct dlm_lock_result`, and behind it the value block.
    private struct Message {
        var result = dlm_lock_result()
        var value: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    }

    /// Reads what there is, and writes it to the locks' blocks.
    ///
    /// - Parameter block: The block of the lock with that number. What is for any other was not
    ///   asked for by this process, and is dropped.
    static func read(
        from descriptor: Int32, into block: (UInt) -> DLMStatusBlock?
    ) -> [DLMDelivery] {
        var list: [DLMDelivery] = []
        var message = Message()
        while Self.read(&message, from: descriptor) {
            let result = message.result
            let lock = UInt(bitPattern: result.user_astparam)
            guard let block = block(lock), block.address == UInt(bitPattern: result.user_lksb)
            else { continue }
            // Which mode is in another host's way.
            let isBlocking = result.bast_mode != 0
            if !isBlocking {
                BlockMemory.at(block).pointee.take(
                    result.lksb, value: result.lvb_offset == 0 ? nil : message.value)
            }
            list.append(DLMDelivery(lock: lock, isBlocking: isBlocking))
        }
        return list
    }

    /// The kernel delivers one message at a time, and whole.
    private static func read(_ message: inout Message, from descriptor: Int32) -> Bool {
        withUnsafeMutableBytes(of: &message) { bytes in
            let count = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            return count >= MemoryLayout<dlm_lock_result>.size
        }
    }
}
#endif
