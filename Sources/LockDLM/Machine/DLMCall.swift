import LockCore

/// What the service asks of one lock. There is one at a time.
enum DLMCall: Hashable, Sendable {
    case acquire(LockMode, waits: Bool, adopting: Adoption)
    case convert(LockMode, writing: ValueBlock?)
    case release(writing: ValueBlock?)
    case forget
}

/// What comes of a call: an outcome, or nil for those that have none.
typealias DLMAnswer = Result<AcquireOutcome?, LockManagerError>

/// What a ``DLMLockMachine`` wants done.
enum DLMEffect: Hashable, Sendable {
    /// Ask the kernel.
    case perform(DLMOperation)
    /// Ask the kernel to withdraw what it was asked.
    case cancel
    /// Answer the call.
    case answer(DLMAnswer)
    /// Tell the service that another host waits for this grant.
    case wanted(Grant.ID)
    /// Report back after so long.
    case pause(Duration)
}
