#if DLM
internal import CDLM
import LockCore

/// What is behind a ``DLMStatusBlock``: the kernel's status and value block, side by side.
struct BlockMemory {
    var status = dlm_lksb()
    // A multiple of the machine's words, DLM_LVB_LEN bytes in all.
    private var value: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static func allocate() -> DLMStatusBlock {
        let block = UnsafeMutablePointer<BlockMemory>.allocate(capacity: 1)
        block.initialize(to: BlockMemory())
        let raw = UnsafeMutableRawPointer(block)
        let offset = MemoryLayout<BlockMemory>.offset(of: \.value) ?? 0
        block.pointee.status.sb_lvbptr = (raw + offset).assumingMemoryBound(to: CChar.self)
        return DLMStatusBlock(address: UInt(bitPattern: block))
    }

    static func at(_ block: DLMStatusBlock) -> UnsafeMutablePointer<BlockMemory> {
        guard let memory = UnsafeMutablePointer<BlockMemory>(bitPattern: block.address) else {
            preconditionFailure("a status block without an address")
        }
        return memory
    }

    static func status(
        of block: UnsafeMutablePointer<BlockMemory>
    ) -> UnsafeMutablePointer<dlm_lksb> {
        // It is the first member.
        UnsafeMutableRawPointer(block).assumingMemoryBound(to: dlm_lksb.self)
    }

    /// Before the kernel hands its block out, ours is zero: what was never written is not handed
    /// out. Before it reads ours, it has what is to be published, and behind it whatever
    /// others keep there.
    ///
    /// A hold's block stays: the kernel copies it with every request, and goes by it if the node
    /// that masters the resource dies before it has answered.
    mutating func prepare(_ conversion: DLMConversion) {
        if let value = conversion.writing {
            let bytes = value.stored
            withUnsafeMutableBytes(of: &self.value) { $0.copyBytes(from: bytes) }
        } else if conversion.from == .null, conversion.reads {
            self.value = (0, 0, 0, 0)
        }
    }

    /// The kernel has concluded something. Its error numbers are negative.
    mutating func take(_ answer: dlm_lksb, value: (UInt64, UInt64, UInt64, UInt64)?) {
        self.status.sb_status = -answer.sb_status
        self.status.sb_lkid = answer.sb_lkid
        self.status.sb_flags = answer.sb_flags
        if let value { self.value = value }
    }

    /// What the kernel said last.
    var completion: DLMCompletion {
        let isLost = Int32(self.status.sb_flags) & DLM_SBF_VALNOTVALID != 0
        let value = withUnsafeBytes(of: self.value) { ValueBlock(stored: $0) }
        return DLMCompletion(
            DLMStatus(rawValue: self.status.sb_status), value: isLost ? nil : value)
    }
}
#endif
