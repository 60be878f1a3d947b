import LockCore

/// One lock of this host in the kernel, and what the service asks of it.
///
/// The kernel's lock is made in null mode when the resource is first asked for, goes up to shared
/// or exclusive and back, and ends when the resource is forgotten. The kernel does one thing at a
/// time with it and cannot be hurried: a caller that has had enough gets its answer, and what the
/// kernel then grants to nobody goes back.
struct DLMLockMachine {
    /// Whose lock it is.
    let resource: Resource.ID
    /// The mode that the kernel granted; nil while it knows no lock of ours.
    var granted: DLMMode?
    /// What the kernel was asked and has not concluded.
    var underWay: DLMOperation?
    /// What the service asked and has not been answered.
    var call: DLMCall?

    /// The request has been handed to the kernel. Until then even its answer does not conclude
    /// it: libdlm has not returned, and still writes into the lock's memory.
    private var isHandedOver = false
    /// The kernel's answer, while the request has not been handed over.
    var early: (completion: DLMCompletion, isBlocking: Bool)?
    /// The caller wants its acquire back.
    var isWithdrawn = false
    /// The kernel has been asked to withdraw.
    private var hasCancelled = false
    /// A hold that nobody asks for any more is to go, publishing this.
    var debt: Debt?
    /// Locks that an ended process left behind may be in the kernel.
    var orphans: Orphans
    /// The value block as it was last read or written; changed if its content was lost.
    var value = ValueBlockReading.unknown
    /// The last block that was read or written, whatever was lost since.
    var lastBlock: ValueBlock?
    /// The kernel's block was lost when it was last read.
    var wasLost = false
    var grant: Grant.ID?
    var isKnownWanted = false
    /// Attempts in a row that came to nothing.
    var attempts = 0
    private var isPausing = false

    struct Debt {
        var value: ValueBlock?
        /// The lock itself goes after it.
        var forgets = false
    }

    enum Orphans {
        /// There are none, or what there was is taken over. No next.
        case none
        /// There may be some. Next: none, held.
        case possible
        /// Some hold the resource, in whichever mode. Next: none.
        case held
    }

    init(_ resource: Resource.ID, mayHaveOrphans: Bool) {
        self.resource = resource
        self.orphans = mayHaveOrphans ? .possible : .none
    }

    /// True if nothing is left of the lock, in the kernel or here.
    var isOver: Bool {
        self.granted == nil && self.underWay == nil && self.call == nil
    }

    /// Does this host hold the resource, for somebody?
    private var isHeld: Bool {
        (self.granted ?? .null) != .null && self.debt == nil
    }

    // MARK: The service

    /// The service asks for something.
    mutating func called(_ call: DLMCall) -> [DLMEffect] {
        guard self.call == nil else {
            return [.answer(.failure(self.failure(.invalidRequest, call)))]
        }
        self.isWithdrawn = false
        switch call {
        case .acquire(let mode, _, _):
            guard mode > .null else {
                return [.answer(.failure(self.failure(.invalidRequest, call)))]
            }
            guard !self.isHeld else {
                return [.answer(.failure(self.failure(.alreadyHeld, call)))]
            }
            self.debt?.forgets = false
        case .convert(let mode, _):
            guard self.isHeld, mode > .null else {
                return [.answer(.failure(self.failure(.notHeld, call)))]
            }
        case .release(let value):
            // An acquire that was given up may still be granted.
            if self.isHeld || self.underWay != nil { self.debt = self.debt ?? Debt(value: value) }
            self.grant = nil
        case .forget:
            guard self.debt == nil else {
                self.debt?.forgets = true
                return [.answer(.success(nil))]
            }
        }
        self.call = call
        return self.advance()
    }

    /// The service wants its acquire back.
    mutating func withdrawn() -> [DLMEffect] {
        guard case .acquire = self.call, !self.isWithdrawn else { return [] }
        self.isWithdrawn = true
        return self.underWay == nil ? self.advance() : self.cancel()
    }

    /// The caller has waited long enough for an answer that takes the kernel milliseconds, unless
    /// the lockspace is stopped. Whoever waits for another host waits on.
    mutating func patienceEnded() -> [DLMEffect] {
        guard let call = self.call, case .acquire(_, let waits, _) = call,
            self.isWithdrawn || !waits
        else { return [] }
        self.debt = self.debt ?? Debt()
        let error = self.failure(
            .managerUnavailable, call, hold: .unknown, layer: .daemon,
            advice: "the lockspace is stopped; 'dlm_tool ls' tells what it waits for")
        return self.answer(.failure(error))
    }

    /// A pause is over.
    mutating func pauseEnded() -> [DLMEffect] {
        self.isPausing = false
        return self.underWay == nil ? self.advance() : self.cancel()
    }

    // MARK: The kernel

    /// The kernel took a request, or refused to.
    mutating func handedOver(_ status: DLMStatus, as grant: Grant.ID) -> [DLMEffect] {
        guard let operation = self.underWay else { return [] }
        self.isHandedOver = true
        if case .adopt = operation { return self.conclude(DLMCompletion(status), as: grant) }
        guard status == .success else {
            let completion = DLMCompletion(status)
            if let confirmed = self.confirmed(operation, completion, as: grant) { return confirmed }
            return self.failed(operation, status)
        }
        guard let early = self.early else { return self.cancel() }
        self.early = nil
        let effects = self.conclude(early.completion, as: grant)
        return early.isBlocking ? effects + self.blocking() : effects
    }

    /// The kernel concluded what it was asked.
    mutating func completed(_ completion: DLMCompletion, as grant: Grant.ID) -> [DLMEffect] {
        guard self.underWay != nil else { return [] }
        guard self.isHandedOver else {
            self.early = (completion, false)
            return []
        }
        return self.conclude(completion, as: grant)
    }

    /// The kernel found another host waiting for this lock.
    mutating func blocking() -> [DLMEffect] {
        if self.early != nil {
            self.early?.isBlocking = true
            return []
        }
        guard self.isHeld, let grant = self.grant, !self.isKnownWanted else { return [] }
        self.isKnownWanted = true
        return [.wanted(grant)]
    }

    /// The kernel took note that a request is withdrawn, or did not.
    mutating func cancelHandedOver(_ status: DLMStatus) -> [DLMEffect] {
        guard status != .success, self.underWay != nil else { return [] }
        self.hasCancelled = false
        return self.pause()
    }

    /// Takes a request that nobody wants any more out of the kernel's queue: an acquire that is
    /// withdrawn, or that was answered when the patience with its withdrawal ended.
    private mutating func cancel() -> [DLMEffect] {
        guard self.isWithdrawn || self.debt != nil,
            self.isHandedOver, !self.hasCancelled, !self.isPausing,
            case .convert(let conversion) = self.underWay, conversion.waits
        else { return [] }
        self.hasCancelled = true
        return [.cancel]
    }

    // MARK: What is next

    mutating func advance() -> [DLMEffect] {
        guard self.underWay == nil, !self.isPausing else {
            // Nothing that was withdrawn waits for a pause.
            guard self.isWithdrawn, self.underWay == nil else { return [] }
            return self.answer(.success(.contended(Contention())))
        }
        if let debt = self.debt {
            guard (self.granted ?? .null) == .null else {
                return self.convert(to: .null, writing: debt.value)
            }
            self.debt = nil
            if debt.forgets && self.call == nil { return self.forget() }
        }
        switch self.call {
        case .acquire(let mode, let waits, let adopting):
            if self.isWithdrawn { return self.answer(.success(.contended(Contention()))) }
            if self.orphans != .none { return self.search(mode, adopting) }
            if adopting == .required { return self.answer(.success(.noOrphan)) }
            guard self.granted != nil else { return self.perform(.request) }
            return self.convert(to: DLMMode(mode), waits: waits)
        case .convert(let mode, let value):
            return self.convert(to: DLMMode(mode), writing: value)
        case .release:
            return self.answer(.success(nil))
        case .forget:
            return self.forget()
        case nil:
            return []
        }
    }

    /// Looks for what an ended process left. Its null locks hold nothing and go; what is left
    /// then holds the resource.
    private mutating func search(_ mode: LockMode, _ adopting: Adoption) -> [DLMEffect] {
        if self.granted != nil { return self.perform(.unlock) }
        guard case .held = self.orphans else { return self.perform(.adopt(.null)) }
        guard adopting == .none, let call = self.call else {
            return self.perform(.adopt(DLMMode(mode)))
        }
        let advice = "an earlier process left a lock behind; adopt or purge it"
        self.orphans = .possible
        return self.answer(.failure(self.failure(.orphanInTheWay, call, advice: advice)))
    }

    private mutating func forget() -> [DLMEffect] {
        if self.granted == .null { return self.perform(.unlock) }
        return self.call == .forget ? self.answer(.success(nil)) : []
    }

    mutating func convert(
        to mode: DLMMode, waits: Bool = false, writing value: ValueBlock? = nil
    ) -> [DLMEffect] {
        let from = self.granted ?? .null
        let writing = from == .exclusive ? value : nil
        return self.perform(
            .convert(DLMConversion(from: from, to: mode, waits: waits, writing: writing)))
    }

    mutating func perform(_ operation: DLMOperation) -> [DLMEffect] {
        self.underWay = operation
        self.isHandedOver = false
        self.hasCancelled = false
        return [.perform(operation)]
    }

    mutating func pause() -> [DLMEffect] {
        guard !self.isPausing else { return [] }
        self.isPausing = true
        return [.pause(.milliseconds(2) * (1 << min(max(self.attempts, 1), 9)))]
    }

    mutating func answer(_ answer: DLMAnswer) -> [DLMEffect] {
        guard self.call != nil else { return [] }
        self.call = nil
        self.isWithdrawn = false
        return [.answer(answer)]
    }

    func failure(
        _ code: LockErrorCode, _ call: DLMCall, hold: LockManagerError.Hold = .unchanged,
        layer: LockManagerError.Layer = .manager, status: DLMStatus? = nil, advice: String = ""
    ) -> LockManagerError {
        LockManagerError(
            code, hold: hold, layer: layer,
            doing: "\(DLMWords.describe(call)) \(self.resource.name) in \(self.resource.lockspace)",
            status: status?.rawValue, advice: advice)
    }
}
