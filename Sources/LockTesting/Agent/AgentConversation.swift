import LockCore

/// The driver's side of a conversation with an agent: calls, each with the caller that waits for
/// its answer.
actor AgentConversation {
    /// What an agent says of itself.
    struct Welcome {
        var version: Int
        var kind: LockManagerKind
        var capabilities: LockManagerCapabilities
    }

    /// What becomes of a call.
    enum Answer {
        /// The manager answered, in these bytes.
        case answered([UInt8])
        /// The manager threw an error.
        case failed(LockManagerError)
        /// The conversation ended before the answer came.
        case lost
    }

    private let stream: AgentStream
    private let reports: AsyncStream<LockManagerEvent>.Continuation
    private var welcomed: CheckedContinuation<Welcome?, Never>?
    private var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
    private var lastNumber: UInt64 = 0
    private var isOver = false

    init(_ stream: AgentStream, _ reports: AsyncStream<LockManagerEvent>.Continuation) {
        self.stream = stream
        self.reports = reports
    }

    /// Says hello, and reads from then on. Nil if what answers is no agent.
    func begin() async -> Welcome? {
        await withCheckedContinuation { continuation in
            self.welcomed = continuation
            self.stream.send(.hello(version: AgentMessage.version))
            Task { await self.read() }
        }
    }

    func ask(_ call: AgentCall) async -> Answer {
        if self.isOver { return .lost }
        self.lastNumber += 1
        let number = self.lastNumber
        return await withCheckedContinuation { continuation in
            self.waiting[number] = continuation
            self.stream.send(.call(number, call))
        }
    }

    private func read() async {
        for await message in self.stream.messages {
            switch message {
            case .welcome(let version, let kind, let capabilities):
                self.welcomed?.resume(
                    returning: Welcome(
                        version: version, kind: kind, capabilities: capabilities))
                self.welcomed = nil
            case .answer(let number, let bytes): self.settle(number, .answered(bytes))
            case .failure(let number, let error): self.settle(number, .failed(error))
            case .event(let event): self.reports.yield(event)
            case .hello, .call: self.stream.end()
            }
        }
        self.isOver = true
        self.reports.finish()
        self.welcomed?.resume(returning: nil)
        self.welcomed = nil
        for number in self.waiting.keys.sorted() { self.settle(number, .lost) }
    }

    private func settle(_ number: UInt64, _ answer: Answer) {
        self.waiting.removeValue(forKey: number)?.resume(returning: answer)
    }
}

/// Ends the conversation when nobody has the remote manager any more.
final class AgentSession: Sendable {
    let conversation: AgentConversation
    private let stream: AgentStream

    init(_ conversation: AgentConversation, _ stream: AgentStream) {
        self.conversation = conversation
        self.stream = stream
    }

    deinit { self.stream.end() }
}
