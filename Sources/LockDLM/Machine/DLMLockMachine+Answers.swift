import LockCore

// What the kernel's answers mean for the lock and for who asked.
extension DLMLockMachine {
    mutating func conclude(
        _ completion: DLMCompletion, as grant: Grant.ID
    ) -> [DLMEffect] {
        guard let operation = self.underWay else { return [] }
        if let confirmed = self.confirmed(operation, completion, as: grant) { return confirmed }
        switch (operation, completion.status) {
        case (.request, .success):
            self.granted = .null
        case (.unlock, .success), (.unlock, .unlocked):
            self.granted = nil
        case (.convert(let conversion), .success):
            self.underWay = nil
            self.attempts = 0
            self.learn(from: completion, after: conversion)
            return self.converted(conversion, as: grant)
        case (.convert, .again), (.convert, .cancelled), (.convert, .withdrawn):
            self.underWay = nil
            self.attempts = 0
            // What stood in the way of an acquire that was given up answers nothing newer.
            guard self.debt == nil else { return self.advance() }
            return self.answer(.success(.contended(Contention())))
        case (.adopt(let mode), _):
            self.underWay = nil
            return self.searched(mode, completion.status, as: grant)
        case (.request, _), (.unlock, _), (.convert, _):
            return self.failed(operation, completion.status)
        }
        self.underWay = nil
        self.attempts = 0
        if case (.unlock, .forget) = (operation, self.call) { return self.answer(.success(nil)) }
        return self.advance()
    }

    private mutating func converted(
        _ conversion: DLMConversion, as grant: Grant.ID
    ) -> [DLMEffect] {
        self.granted = conversion.to
        if conversion.to.rawValue < conversion.from.rawValue {
            let again = DLMConversion(from: conversion.to, to: conversion.to, confirms: true)
            return self.perform(.convert(again))
        }
        return self.settled(as: grant)
    }

    /// Whatever came of the question whether the others know: the step was made.
    mutating func confirmed(
        _ operation: DLMOperation, _ completion: DLMCompletion, as grant: Grant.ID
    ) -> [DLMEffect]? {
        guard case .convert(let conversion) = operation, conversion.confirms else { return nil }
        if completion.status == .success { self.learn(from: completion, after: conversion) }
        self.underWay = nil
        self.early = nil
        self.attempts = 0
        return self.settled(as: grant)
    }

    private mutating func learn(
        from completion: DLMCompletion, after conversion: DLMConversion
    ) {
        guard conversion.reads else {
            guard let written = conversion.writing else { return }
            self.value = .value(written)
            self.lastBlock = written
            self.wasLost = false
            return
        }
        guard let block = completion.value else {
            self.value = .changed
            self.wasLost = true
            return
        }
        // Who writes first after a loss may count up to a number that was seen before it.
        let isDoubtful = self.wasLost && block == self.lastBlock
        self.value = isDoubtful ? .changed : .value(block)
        self.lastBlock = block
        self.wasLost = false
    }

    /// The lock has the mode that was asked for.
    private mutating func settled(as grant: Grant.ID) -> [DLMEffect] {
        if self.granted == .null { return self.advance() }
        switch self.call {
        case .acquire where self.debt == nil, .convert: break
        case .acquire, .release, .forget, nil:
            // Nobody is there to take it.
            self.debt = self.debt ?? Debt()
            return self.advance()
        }
        return self.hold(as: grant)
    }

    private mutating func hold(as grant: Grant.ID) -> [DLMEffect] {
        self.grant = grant
        self.isKnownWanted = false
        return self.answer(.success(.granted(Grant(id: grant, value: self.value))))
    }

    private mutating func searched(
        _ mode: DLMMode, _ status: DLMStatus, as grant: Grant.ID
    ) -> [DLMEffect] {
        switch (mode, status) {
        case (.null, .success):
            self.granted = .null
        case (.null, .again):
            self.orphans = .held
        case (_, .again):
            self.orphans = .possible
            // It answers who asked, and nobody who came later.
            if self.debt == nil { return self.answer(.success(.orphanInOtherMode)) }
        case (_, .notFound):
            self.orphans = .none
        case (_, .success):
            self.orphans = .none
            self.granted = mode
            self.value = .unknown
            guard self.debt == nil else { return self.advance() }
            // Whoever waits already was told of to nobody. A conversion lets the kernel tell it
            // again; and what is shared hands out the value block.
            return self.perform(.convert(DLMConversion(from: mode, to: mode, confirms: true)))
        default:
            return self.failed(.adopt(mode), status)
        }
        return self.advance()
    }

    /// The kernel would not do it. What is owed is tried until it works.
    mutating func failed(
        _ operation: DLMOperation, _ status: DLMStatus
    ) -> [DLMEffect] {
        self.underWay = nil
        self.early = nil
        self.attempts += 1
        if operation == .unlock, self.call == nil || self.call == .forget {
            self.debt = Debt(forgets: true)
        }
        if status == .busy, self.attempts <= 8, !self.isWithdrawn { return self.pause() }
        var effects: [DLMEffect] = []
        if let call = self.call, self.concerns(call, operation) {
            let error = self.failure(
                Self.code(status), call, status: status,
                advice: status == .noDaemon ? DLMWords.noDaemon : "")
            effects = self.answer(
                self.isWithdrawn ? .success(.contended(Contention())) : .failure(error))
        }
        return effects + (self.debt == nil ? self.advance() : self.pause())
    }

    /// Does the call fail with the operation? A release has nothing to do with the end of an
    /// acquire that was given up.
    private func concerns(_ call: DLMCall, _ operation: DLMOperation) -> Bool {
        switch (call, operation) {
        case (.acquire, _), (.convert, _), (.forget, .unlock): true
        case (.release, .convert(let conversion)): conversion.to == .null
        case (.release, _), (.forget, _): false
        }
    }

    private static func code(_ status: DLMStatus) -> LockErrorCode {
        switch status {
        case .notPermitted, .notAllowed: .notPermitted
        case .noDaemon, .noDevice, .notFound: .managerUnavailable
        default: .managerFailed
        }
    }
}
