/// An open lockspace, as libdlm knows it.
struct DLMLockspaceID: Hashable, Sendable {
    /// The address of libdlm's record.
    let rawValue: UInt
}

/// The memory of one lock that libdlm reads and writes (`struct dlm_lksb` and the value block) when
/// it is asked for something, until that call returns; and where the answer is delivered.
struct DLMStatusBlock: Hashable, Sendable {
    /// Where the memory is.
    let address: UInt
}

/// What libdlm delivers about a lock.
struct DLMDelivery: Hashable, Sendable {
    /// The number that was given with the request.
    let lock: UInt
    /// Another host waits for the lock; else the kernel concluded what it was asked.
    let isBlocking: Bool
}

/// A request for one lock.
struct DLMRequest: Hashable, Sendable {
    /// The resource's name; it counts for a new lock only.
    let name: String
    /// What to do.
    let operation: DLMOperation
    /// Comes back with everything that is delivered about the lock. A number, for libdlm keeps it
    /// as long as it likes.
    let lock: UInt
}

/// The version of the kernel's interface for programs.
struct DLMKernelVersion: Hashable, Sendable {
    let major: UInt32
    let minor: UInt32
    let patch: UInt32

    /// This one forgets to hand out value blocks.
    static let withoutValues = DLMKernelVersion(major: 6, minor: 0, patch: 1)
}

/// The functions of libdlm that this target calls. Tests pass their own.
///
/// Whatever writes to the kernel may block for as long as a lockspace is stopped.
struct DLMCalls: Sendable {
    typealias Opening = Result<DLMLockspaceID, DLMFailure>

    var kernelVersion: @Sendable () -> Result<DLMKernelVersion, DLMFailure>
    /// Makes a lockspace that does not exist on this host (`DLM_LSFL_NEWEXCL`), and joins it.
    var create: @Sendable (_ name: String) -> Opening
    /// Opens a lockspace that this host has joined.
    var open: @Sendable (_ name: String) -> Opening
    /// Leaves a lockspace, and closes it, unless the kernel cannot tell which it is (`fstat`).
    var release: @Sendable (_ name: String, DLMLockspaceID) -> DLMStatus
    var close: @Sendable (DLMLockspaceID) -> Void
    /// Readable when there is something to deliver.
    var descriptor: @Sendable (DLMLockspaceID) -> Int32

    var makeBlock: @Sendable () -> DLMStatusBlock
    var freeBlock: @Sendable (DLMStatusBlock) -> Void
    /// What the block says after a delivery.
    var read: @Sendable (DLMStatusBlock) -> DLMCompletion

    /// Asks for something. Unless it answers with an error, the end is delivered; but for
    /// ``DLMOperation/adopt(_:)``, which has its answer at once.
    var ask: @Sendable (DLMLockspaceID, DLMStatusBlock, DLMRequest) -> DLMStatus
    /// Withdraws a conversion that waits. The conversion's end is delivered, whichever it is.
    var cancel: @Sendable (DLMLockspaceID, DLMStatusBlock) -> DLMStatus
    /// Ends the locks that ended processes of this host left behind.
    var purge: @Sendable (DLMLockspaceID) -> DLMStatus
    /// Delivers what there is, without waiting, to the blocks of the locks with those numbers. What
    /// is for another block, an ended process asked for.
    var deliver: @Sendable (DLMLockspaceID, _ block: (UInt) -> DLMStatusBlock?) -> [DLMDelivery]
}

/// An error number, as a failure.
struct DLMFailure: Error, Hashable, Sendable {
    let status: DLMStatus

    init(_ status: DLMStatus) {
        self.status = status
    }
}
