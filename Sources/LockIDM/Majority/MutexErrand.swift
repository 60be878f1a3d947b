/// What is done to one mutex on one drive: a few commands, each of which depends on the answer to
/// the one before. A value: ``command(now:)`` says what to send, ``answered(_:)`` takes the answer.
package struct MutexErrand: Hashable, Sendable {
    /// What is wanted.
    package enum Purpose: Hashable, Sendable {
        /// Get the mutex, if need be from holders whose time is over.
        case take
        /// Change the class of a mutex that is held, if need be by removing holders whose time is
        /// over.
        case convert
        /// Start the countdown of a mutex that is held anew.
        case refresh
        /// Let go, and leave a value; with nil leave the value that there is.
        case release(ChangeStamp?)
        /// Let go, and remove the mutex with its value, unless others hold it.
        case discard
    }

    /// What came of it.
    package enum Outcome: Hashable, Sendable {
        /// This host holds the mutex, in the class that was asked for.
        case held(takenOver: Bool)
        /// Another host is in the way.
        case inTheWay
        /// This host does not hold the mutex, or not any more.
        case notHeld
        /// The drive has no room.
        case full
        /// This host has let go.
        case released
        /// The drive did not answer, or not what makes sense; the last command may have worked.
        case failed(DriveError)

        /// This host holds the mutex.
        package var isHeld: Bool {
            if case .held = self { true } else { false }
        }

        /// The drive did not do its part.
        package var isFailed: Bool {
            switch self {
            case .failed, .full: true
            case .held, .inTheWay, .notHeld, .released: false
            }
        }
    }

    /// What the next answer will be about.
    private enum State: Hashable, Sendable {
        /// Next: held, full; taking over if others are in the way; letting go if it is this host's.
        case taking(isAgain: Bool)
        /// Next: held, in the way.
        case takingOver
        /// A hold that this host did not know of. Next: taking again.
        case lettingGo(MutexClass, isLast: Bool)
        /// Next: held, not held, in the way; taking over if others share it.
        case refreshing(mayTakeOver: Bool)
        /// Next: released, not held; once more in the other class.
        case releasing(MutexClass, isLast: Bool)
        /// Next: released.
        case destroying
        /// The end.
        case finished(Outcome)
    }

    private let purpose: Purpose
    private let lock: LockID
    private let host: HostID
    private let mutexClass: MutexClass
    private let countdown: UInt64
    private var state: State

    /// - Parameters:
    ///   - mutexClass: In which class the mutex is to be held; to release it, in which it is.
    ///   - countdown: In milliseconds; means nothing to release.
    package init(
        _ purpose: Purpose, _ lock: LockID, by host: HostID, as mutexClass: MutexClass,
        countdown: UInt64 = 0
    ) {
        self.purpose = purpose
        self.lock = lock
        self.host = host
        self.mutexClass = mutexClass
        self.countdown = countdown
        switch purpose {
        case .take: self.state = .taking(isAgain: false)
        case .convert: self.state = .refreshing(mayTakeOver: true)
        case .refresh: self.state = .refreshing(mayTakeOver: false)
        case .release, .discard: self.state = .releasing(mutexClass, isLast: false)
        }
    }

    /// What came of it; nil as long as there is something to send.
    package var outcome: Outcome? {
        if case .finished(let outcome) = self.state { outcome } else { nil }
    }

    /// What to send next; nil when it is finished.
    ///
    /// - Parameter now: The host's clock, in milliseconds since 1970; drives only store it.
    package func command(now: UInt64) -> DriveCommand? {
        func change(
            _ operation: MutexChange.Operation, as mutexClass: MutexClass, countdown: UInt64 = 0,
            value: ChangeStamp? = nil
        ) -> DriveCommand {
            .change(
                MutexChange(
                    operation, self.lock, by: self.host, as: mutexClass,
                    countdownMilliseconds: countdown, hostTimeMilliseconds: now, value: value))
        }
        switch self.state {
        case .taking: return change(.tryLock, as: self.mutexClass, countdown: self.countdown)
        case .takingOver: return change(.takeOver, as: self.mutexClass, countdown: self.countdown)
        case .refreshing: return change(.refresh, as: self.mutexClass, countdown: self.countdown)
        case .lettingGo(let mutexClass, _): return change(.unlock, as: mutexClass)
        case .releasing(let mutexClass, _):
            return change(.unlock, as: mutexClass, value: self.valueToLeave)
        case .destroying: return change(.destroy, as: self.mutexClass)
        case .finished: return nil
        }
    }

    private var valueToLeave: ChangeStamp? {
        if case .release(let value) = self.purpose { value } else { nil }
    }

    /// The drive has answered what was sent last.
    package mutating func answered(_ answer: Result<DriveAnswer, DriveError>) {
        switch answer {
        case .success(.done): self.state = self.afterDone
        case .success(.refused(let refusal)): self.state = self.after(refusal)
        case .success(let other): self.state = .finished(.failed(Self.nonsense("\(other)")))
        case .failure(let error): self.state = .finished(.failed(error))
        }
    }

    private var afterDone: State {
        switch self.state {
        case .taking, .refreshing: return .finished(.held(takenOver: false))
        case .takingOver: return .finished(.held(takenOver: true))
        case .lettingGo: return .taking(isAgain: true)
        case .releasing:
            return self.purpose == .discard ? .destroying : .finished(.released)
        case .destroying: return .finished(.released)
        case .finished: preconditionFailure("the errand is over; nothing was sent")
        }
    }

    private func after(_ refusal: DriveRefusal) -> State {
        switch (self.state, refusal) {
        case (.destroying, _): return .finished(.released)
        case (_, .busy), (_, .notUnderstood):
            return .finished(.failed(Self.nonsense("\(refusal)")))
        case (.taking, .conflict): return .takingOver
        case (.taking(isAgain: false), .terminated):
            return .lettingGo(self.mutexClass, isLast: false)
        case (.taking, .mutexesFull), (.taking, .hostsFull), (.taking, .sharersFull),
            (.takingOver, .mutexesFull), (.takingOver, .hostsFull), (.takingOver, .sharersFull):
            return .finished(.full)
        case (.lettingGo(let mutexClass, isLast: false), .terminated):
            return .lettingGo(mutexClass.other, isLast: true)
        case (.lettingGo, _): return .taking(isAgain: true)
        // Whoever was in the way may have gone in the meantime; the next attempt will tell.
        case (.taking, _), (.takingOver, _): return .finished(.inTheWay)
        case (.refreshing(mayTakeOver: true), .terminated): return .takingOver
        case (.refreshing, .terminated): return .finished(.inTheWay)
        case (.refreshing, _): return .finished(.notHeld)
        case (.releasing(let mutexClass, isLast: false), .terminated):
            return .releasing(mutexClass.other, isLast: true)
        case (.releasing, _): return .finished(.notHeld)
        case (.finished, _): preconditionFailure("the errand is over; nothing was sent")
        }
    }

    private static func nonsense(_ answer: String) -> DriveError {
        DriveError(drive: "", reason: "it answers \(answer)")
    }

    /// Runs all of it on a drive, in the caller's thread.
    package func run(
        now: () -> UInt64, on perform: (DriveCommand) throws(DriveError) -> DriveAnswer
    ) -> Outcome {
        var errand = self
        while let command = errand.command(now: now()) {
            do throws(DriveError) {
                errand.answered(.success(try perform(command)))
            } catch {
                errand.answered(.failure(error))
            }
        }
        guard let outcome = errand.outcome else {
            preconditionFailure("an errand with nothing to send is over")
        }
        return outcome
    }
}

extension MutexClass {
    fileprivate var other: MutexClass { self == .exclusive ? .shared : .exclusive }
}
