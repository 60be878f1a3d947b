import DaemonHarness
import Foundation

/// What one step led to: the answer, if any, and the answers that clients who had waited got.
struct Outcome {
    enum Answer {
        case reply(Message)
        case waits
        case closed
        case missing
    }

    let step: Step
    let answer: Answer
    let lateReplies: [Int: Message]
}

/// Four clients of one daemon, who do one step at a time.
///
/// "No reply yet" is told without waiting for one. A spare connection asks the worker thread and
/// then each lockspace, twice, for something that they answer in turn: what has no answer by then
/// waits for another client.
struct SequenceRun {
    private let kind: Kind
    private let socketPath: String
    private let spare: Connection
    private var clients: [Connection]
    /// What each waiting client asked for.
    private var waiting: [Int: Step] = [:]
    private var outcomes: [Outcome] = []

    /// Plays steps as the generator chooses them.
    static func outcomes(
        of generator: SequenceGenerator, count: Int, kind: Kind, daemon: Daemon
    ) throws -> [Outcome] {
        var generator = generator
        var run = try SequenceRun(kind: kind, socketPath: daemon.socketPath)
        while run.outcomes.count < count, let step = generator.next() {
            generator.learn(try run.perform(step))
        }
        return run.outcomes
    }

    /// Plays recorded steps. Those that make no sense, because their client waits, are left out.
    static func outcomes(of steps: [Step], kind: Kind, daemon: Daemon) throws -> [Outcome] {
        var run = try SequenceRun(kind: kind, socketPath: daemon.socketPath)
        for step in steps where run.canPerform(step) {
            if case .missing = try run.perform(step).answer { break }
        }
        return run.outcomes
    }

    private init(kind: Kind, socketPath: String) throws {
        self.kind = kind
        self.socketPath = socketPath
        self.spare = try Connection(path: socketPath)
        self.clients = try (0..<SequenceGenerator.clients).map { _ in
            try Connection(path: socketPath)
        }
    }

    /// lvmlockd 2.03.16 must only be asked to cancel when there is something: otherwise it takes
    /// the cancelling request itself for it, answers it twice, and frees it twice.
    private func canPerform(_ step: Step) -> Bool {
        guard self.waiting[step.client] == nil else { return false }
        guard let lock = step.lock, lock.cancels else { return true }
        return self.waiting.values.contains { waiting in
            waiting.lock.map { $0.persistent && $0.target == lock.target } ?? false
        }
    }

    private mutating func perform(_ step: Step) throws -> Outcome {
        do {
            let answer = try self.answer(to: step)
            // The two volume groups of the beginning start side by side.
            if step.movesLockspace, !self.outcomes.isEmpty { try self.awaitLockspaces() }
            let late = try self.lateReplies(after: step)
            if case .waits = answer { self.waiting[step.client] = step }
            let outcome = Outcome(step: step, answer: answer, lateReplies: late)
            self.outcomes.append(outcome)
            return outcome
        } catch {
            throw HarnessError("\(self.kind), step \(self.outcomes.count), \(step): \(error)")
        }
    }

    private mutating func answer(to step: Step) throws -> Outcome.Answer {
        guard case .request(let message) = step.action else {
            self.clients[step.client] = try Connection(path: self.socketPath)
            return .closed
        }
        let client = self.clients[step.client]
        try client.send(message)
        if step.canWait {
            try self.settle()
            return try client.receive(withinMilliseconds: 0).map { .reply($0) } ?? .waits
        }
        return try client.receive(withinMilliseconds: 10_000).map { .reply($0) } ?? .missing
    }

    private mutating func lateReplies(after step: Step) throws -> [Int: Message] {
        if self.waiting.isEmpty {
            if case .close = step.action { try self.settle() }
            return [:]
        }
        try self.settle()
        var late: [Int: Message] = [:]
        for client in self.waiting.keys {
            late[client] = try self.clients[client].receive(withinMilliseconds: 0)
        }
        for client in late.keys { self.waiting[client] = nil }
        return late
    }

    // MARK: Knowing that all is done

    /// The global lockspace answers to the group name "global" where there is one.
    private static let lockspaces = SequenceGenerator.volumeGroups + ["global"]

    /// What was sent before has been dealt with when this returns.
    private func settle() throws {
        _ = try self.spare.call(
            Message([.init("request", "running_lm"), .init("pid", "1")]))
        for lockspace in Self.lockspaces {
            for _ in 0..<2 { _ = try self.query(lockspace) }
        }
    }

    /// Starting and stopping go on after the reply: until then -211 (starting), -116 (stopping).
    private func awaitLockspaces() throws {
        for lockspace in Self.lockspaces {
            var tries = 0
            while ["-211", "-116"].contains(try self.query(lockspace)["op_result"]) {
                tries += 1
                guard tries < 2000 else { throw HarnessError("\(lockspace) never settled") }
                usleep(self.kind == .dlm ? 1000 : 10_000)
            }
        }
    }

    private func query(_ lockspace: String) throws -> Message {
        try self.spare.call(
            Message([.init("request", "query_lock_vg"), .init("vg_name", lockspace)]))
    }
}
