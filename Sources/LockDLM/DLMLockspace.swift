@preconcurrency internal import Dispatch
import LockCore

/// A lockspace that this host has joined: its locks, and the traffic with the kernel.
///
/// It lives on a queue of its own, where libdlm's descriptor is watched and everything is
/// delivered. What writes to the kernel goes through a second queue in order, for a write waits as
/// long as the lockspace is stopped. So there are two threads however many requests wait.
actor DLMLockspace {
    private nonisolated let executor: DispatchQueueExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.executor.asUnownedSerialExecutor()
    }
    private nonisolated var queue: DispatchQueue { self.executor.queue }

    /// Which lockspace.
    nonisolated let id: Lockspace.ID
    /// This host's part in it.
    nonisolated let membership: Membership
    private nonisolated let calls: DLMCalls
    private nonisolated let numbers: DLMNumbers
    private nonisolated let patience: Duration
    private nonisolated let time = SystemTime()
    private nonisolated let report: @Sendable (LockManagerEvent) -> Void
    private nonisolated let writer: DispatchQueue
    private var handle: DLMLockspaceHandle?
    /// What the handle is for; nil when the lockspace is being left.
    private var opened: DLMLockspaceID?
    private var source: (any DispatchSourceRead)?
    /// An earlier process left the lockspace, and perhaps locks in it.
    private var mayHaveOrphans: Bool
    private var isLost = false
    /// Who waits for the end of the membership.
    private var leaver: CheckedContinuation<DLMStatus, Never>?
    private var locks: [UInt: Lock] = [:]
    private var numbersByName: [Resource.Name: UInt] = [:]
    private var isWatchingCallers = false

    /// A lock, its memory, and who waits for it.
    private struct Lock {
        var machine: DLMLockMachine
        let block: DLMStatusBlock
        var caller: CheckedContinuation<DLMAnswer, Never>?
        /// Which call of the caller's it is.
        var ticket: UInt = 0
        /// When the caller asked, or took its request back.
        var since = Duration.zero
    }

    /// - Parameters:
    ///   - patience: How long an answer of the kernel may take when no other host is waited for.
    ///   - report: Takes what happens by itself.
    init(
        _ id: Lockspace.ID, _ membership: Membership, opened: DLMLockspaceID,
        isAdopted: Bool, calls: DLMCalls, numbers: DLMNumbers, patience: Duration,
        report: @escaping @Sendable (LockManagerEvent) -> Void
    ) {
        self.id = id
        self.membership = membership
        self.calls = calls
        self.numbers = numbers
        self.patience = patience
        self.report = report
        self.executor = DispatchQueueExecutor(label: "dlm \(id)")
        self.writer = DispatchQueue(label: "dlm \(id) writer")
        self.mayHaveOrphans = isAdopted
        self.opened = opened
        self.handle = DLMLockspaceHandle(opened, calls)
    }

    // Whatever is under way keeps the lockspace alive; so nothing touches the memory any more.
    // The descriptor has to outlast its source.
    deinit {
        if let lockspace = self.handle.take()?.surrender() {
            let calls = self.calls
            self.source?.setCancelHandler { calls.close(lockspace) }
            self.source?.cancel()
        }
        for lock in self.locks.values { self.calls.freeBlock(lock.block) }
    }

    /// Begins to watch for what the kernel delivers.
    func start() {
        guard let lockspace = self.opened else { return }
        let descriptor = self.calls.descriptor(lockspace)
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: self.queue)
        source.setEventHandler { [weak self] in
            self?.assumeIsolated { $0.deliver(from: lockspace) }
        }
        source.activate()
        self.source = source
    }

    // MARK: Calls

    /// Makes a call for one lock. Its caller may be cancelled at any time, which withdraws an
    /// acquire that waits.
    func call(_ call: DLMCall, for name: Resource.Name) async -> DLMAnswer {
        let ticket = self.numbers.nextLock()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                self.begin(call, for: name, caller, ticket)
            }
        } onCancel: {
            self.queue.async { self.assumeIsolated { $0.withdraw(name, ticket) } }
        }
    }

    private func begin(
        _ call: DLMCall, for name: Resource.Name,
        _ caller: CheckedContinuation<DLMAnswer, Never>, _ ticket: UInt
    ) {
        if let refusal = self.refusal(of: call, for: name) {
            return caller.resume(returning: refusal)
        }
        let number = self.number(of: name)
        guard self.locks[number]?.caller == nil else {
            let doing = "\(DLMWords.describe(call)) \(name) in \(self.id)"
            let error = LockManagerError(
                .invalidRequest, doing: doing, advice: "an earlier call is under way")
            return caller.resume(returning: .failure(error))
        }
        self.locks[number]?.caller = caller
        self.locks[number]?.ticket = ticket
        self.locks[number]?.since = self.time.now
        self.step(number) { $0.called(call) }
        if Task.isCancelled { self.withdraw(name, ticket) }
        if self.locks[number]?.caller != nil { self.watchCallers() }
    }

    /// What a call gets that the kernel is not asked for.
    private func refusal(of call: DLMCall, for name: Resource.Name) -> DLMAnswer? {
        let doing = "\(DLMWords.describe(call)) \(name) in \(self.id)"
        switch call {
        case .acquire, .convert:
            if self.isLost { return .failure(LockManagerError(.lockLost, doing: doing)) }
            if self.opened == nil {
                return .failure(LockManagerError(.lockspaceNotFound, doing: doing))
            }
            let longest = DLMLockManager.longestName
            if "\(name)".utf8.count > longest {
                let advice = "the kernel keeps \(longest) bytes"
                return .failure(LockManagerError(.nameTooLong, doing: doing, advice: advice))
            }
        case .release, .forget:
            if self.isLost || self.opened == nil { return .success(nil) }
            if self.numbersByName[name] == nil { return .success(nil) }
        }
        return nil
    }

    /// Withdraws an acquire that waits: the one with that ticket, or whichever there is.
    func withdraw(_ name: Resource.Name, _ ticket: UInt? = nil) {
        guard let number = self.numbersByName[name], let lock = self.locks[number],
            ticket == nil || ticket == lock.ticket
        else { return }
        if !lock.machine.isWithdrawn { self.locks[number]?.since = self.time.now }
        self.step(number) { $0.withdrawn() }
    }

    /// Looks again and again whether somebody has waited too long, while anybody waits.
    private func watchCallers() {
        guard !self.isWatchingCallers else { return }
        self.isWatchingCallers = true
        self.after(self.patience / 4) { space in
            let latest = space.time.now - space.patience
            let waiting = space.locks.filter { $0.value.caller != nil }
            for (number, lock) in waiting where lock.since <= latest {
                space.step(number) { $0.patienceEnded() }
            }
            space.isWatchingCallers = false
            if !waiting.isEmpty { space.watchCallers() }
        }
    }

    private func number(of name: Resource.Name) -> UInt {
        if let number = self.numbersByName[name] { return number }
        let number = self.numbers.nextLock()
        let resource = Resource.ID(lockspace: self.id, name: name)
        self.locks[number] = Lock(
            machine: DLMLockMachine(resource, mayHaveOrphans: self.mayHaveOrphans),
            block: self.calls.makeBlock())
        self.numbersByName[name] = number
        return number
    }

    // MARK: The kernel

    private func deliver(from lockspace: DLMLockspaceID) {
        for delivery in self.calls.deliver(lockspace, { self.locks[$0]?.block }) {
            guard let block = self.locks[delivery.lock]?.block else { continue }
            if delivery.isBlocking {
                self.step(delivery.lock) { $0.blocking() }
            } else {
                let completion = self.calls.read(block)
                let grant = self.numbers.nextGrant()
                self.step(delivery.lock) { $0.completed(completion, as: grant) }
            }
        }
    }

    /// Lets a lock's machine take an input, and does what it wants done.
    private func step(_ number: UInt, _ input: (inout DLMLockMachine) -> [DLMEffect]) {
        guard var lock = self.locks[number] else { return }
        let effects = input(&lock.machine)
        self.locks[number] = lock
        for effect in effects { self.perform(effect, number, lock.block) }
        self.discardIfOver(number)
    }

    private func perform(_ effect: DLMEffect, _ number: UInt, _ block: DLMStatusBlock) {
        switch effect {
        case .perform(let operation):
            guard let name = self.locks[number]?.machine.resource.name else { return }
            let request = DLMRequest(name: "\(name)", operation: operation, lock: number)
            self.write({ calls, lockspace in calls.ask(lockspace, block, request) }) {
                space, status in
                let grant = space.numbers.nextGrant()
                space.step(number) { $0.handedOver(status, as: grant) }
            }
        case .cancel:
            self.write({ calls, lockspace in calls.cancel(lockspace, block) }) { space, status in
                space.step(number) { $0.cancelHandedOver(status) }
            }
        case .answer(let answer):
            let caller = self.locks[number]?.caller
            self.locks[number]?.caller = nil
            caller?.resume(returning: answer)
        case .wanted(let grant):
            guard let name = self.locks[number]?.machine.resource.name else { return }
            self.report(.wanted(name, by: grant))
        case .pause(let duration):
            self.after(duration) { $0.step(number) { $0.pauseEnded() } }
        }
    }

    /// The memory goes when the kernel has answered everything and nobody is interested.
    private func discardIfOver(_ number: UInt) {
        guard let lock = self.locks[number], lock.machine.isOver else { return }
        self.locks[number] = nil
        self.numbersByName[lock.machine.resource.name] = nil
        self.calls.freeBlock(lock.block)
    }

    /// Asks the kernel on the writer's thread, and goes on here with what it says.
    private func write(
        _ request: @escaping @Sendable (DLMCalls, DLMLockspaceID) -> DLMStatus,
        then: @escaping @Sendable (isolated DLMLockspace, DLMStatus) -> Void
    ) {
        guard let lockspace = self.opened else { return }
        self.writer.async {
            let status = request(self.calls, lockspace)
            self.queue.async { self.assumeIsolated { then($0, status) } }
        }
    }

    private func after(
        _ duration: Duration, _ body: @escaping @Sendable (isolated DLMLockspace) -> Void
    ) {
        let nanoseconds =
            duration.components.seconds * 1_000_000_000
            + duration.components.attoseconds / 1_000_000_000
        self.queue.asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [weak self] in
            self?.assumeIsolated(body)
        }
    }

    private nonisolated func report(_ what: LockManagerEvent.What) {
        self.report(
            LockManagerEvent(lockspace: self.id, membership: self.membership.id, what: what))
    }

    // MARK: Orphans, loss, and the end

    /// Ends the locks that ended processes of this host left behind.
    func purge() async -> DLMStatus {
        let status = await withCheckedContinuation { caller in
            guard self.opened != nil else { return caller.resume(returning: DLMStatus.notFound) }
            self.write({ calls, lockspace in calls.purge(lockspace) }) { _, status in
                caller.resume(returning: status)
            }
        }
        if status == .success { self.mayHaveOrphans = false }
        return status
    }

    /// dlm_controld has ended, and the lockspace is lost: nothing is granted in it any more.
    nonisolated func daemonEnded() {
        self.queue.async { self.assumeIsolated { $0.lose() } }
    }

    private func lose() {
        guard !self.isLost else { return }
        self.isLost = true
        if self.opened != nil {
            let reason = "dlm_controld has ended; this host has to be restarted"
            self.report(.lost(reason: reason, certainFor: .zero))
            self.refuseCallers(.lockLost)
        }
        self.left(.success)
    }

    /// Leaves the lockspace, when the kernel has answered what it was asked last. All memory goes
    /// then: nothing is delivered any more.
    ///
    /// Without dlm_controld the kernel may never come to that. Then nobody waits for it.
    func leave() async -> DLMStatus {
        guard let lockspace = self.handle.take()?.surrender() else { return .notFound }
        self.opened = nil
        self.refuseCallers(.lockspaceNotFound)
        await withCheckedContinuation { caller in
            guard let source = self.source else { return caller.resume() }
            source.setCancelHandler { caller.resume() }
            source.cancel()
        }
        self.source = nil
        let blocks = self.locks.values.map(\.block)
        self.locks = [:]
        self.numbersByName = [:]
        return await withCheckedContinuation { caller in
            self.leaver = caller
            self.writer.async {
                let status = self.calls.release(self.id.name, lockspace)
                for block in blocks { self.calls.freeBlock(block) }
                self.queue.async { self.assumeIsolated { $0.left(status) } }
            }
            if self.isLost { self.left(.success) }
        }
    }

    private func left(_ status: DLMStatus) {
        self.leaver.take()?.resume(returning: status)
    }

    private func refuseCallers(_ code: LockErrorCode) {
        for (number, lock) in self.locks {
            guard let caller = lock.caller else { continue }
            self.locks[number]?.caller = nil
            let resource = lock.machine.resource
            let error = LockManagerError(
                code, doing: "lock \(resource.name) in \(resource.lockspace)")
            caller.resume(returning: .failure(error))
        }
    }
}
