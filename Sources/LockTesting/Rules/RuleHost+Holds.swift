import LockCore

/// Moving holds, and finding out by other hosts' eyes where they stand.
extension RuleHost {
    // MARK: Acquire

    /// What an acquire comes to that does not wait. A conflict that passes by itself is let pass.
    func acquire(
        _ resource: Resource, _ mode: LockMode, adopting: Adoption = .none
    ) async throws(RuleStop) -> AcquireOutcome {
        let options = AcquireOptions(adopting: adopting)
        let words = "acquire \(resource.id.name) \(mode)\(RuleWords.describe(adopting))"
        let end = self.timing.time.now + self.timing.callLimit
        while true {
            let outcome = try await self.succeed(words) { manager throws(LockManagerError) in
                try await manager.acquire(resource, mode, options)
            }
            guard case .contended(let contention) = outcome, contention.isPassing,
                self.timing.time.now < end
            else { return outcome }
            await self.timing.pause(self.timing.quiet / 5)
        }
    }

    /// Acquires what has to be free.
    @discardableResult
    func take(
        _ resource: Resource, _ mode: LockMode, adopting: Adoption = .none
    ) async throws(RuleStop) -> Grant {
        try Self.grant(await self.acquire(resource, mode, adopting: adopting))
    }

    /// Asks for what somebody else has.
    @discardableResult
    func isRefused(_ resource: Resource, _ mode: LockMode) async throws(RuleStop) -> Contention {
        try Self.contention(await self.acquire(resource, mode))
    }

    /// Asks for it, and waits in the manager's queue beside whatever the check does next.
    func startWaiting(_ resource: Resource, _ mode: LockMode) -> PendingAcquire {
        self.start(PendingAcquire(self, resource, mode, waiting: true))
    }

    /// Asks for it beside whatever the check does next, without waiting in a queue.
    func startAcquire(_ resource: Resource, _ mode: LockMode) -> PendingAcquire {
        self.start(PendingAcquire(self, resource, mode, waiting: false))
    }

    private func start(_ pending: PendingAcquire) -> PendingAcquire {
        self.setting.note("\(pending.what): begins")
        self.setting.pending.append(pending)
        return pending
    }

    func cancelAcquire(_ resource: Resource) async throws(RuleStop) {
        try await self.succeed("cancel the acquire of \(resource.id.name)") {
            manager throws(LockManagerError) in await manager.cancelAcquire(resource.id)
        }
    }

    // MARK: Convert, release, forget

    /// Converts what nobody prevents.
    @discardableResult
    func convert(
        _ resource: Resource, to mode: LockMode, writing value: ValueBlock? = nil
    ) async throws(RuleStop) -> Grant {
        try Self.grant(await self.tryToConvert(resource, to: mode, writing: value))
    }

    /// Asks for a conversion that somebody prevents.
    @discardableResult
    func isRefusedConversion(
        _ resource: Resource, to mode: LockMode
    ) async throws(RuleStop) -> Contention {
        try Self.contention(await self.tryToConvert(resource, to: mode))
    }

    func tryToConvert(
        _ resource: Resource, to mode: LockMode, writing value: ValueBlock? = nil
    ) async throws(RuleStop) -> AcquireOutcome {
        let words = "convert \(resource.id.name) to \(mode)\(RuleWords.describe(writing: value))"
        return try await self.succeed(words) { manager throws(LockManagerError) in
            try await manager.convert(resource.id, to: mode, writing: value)
        }
    }

    func release(
        _ resource: Resource, writing value: ValueBlock? = nil
    ) async throws(RuleStop) {
        let words = "release \(resource.id.name)\(RuleWords.describe(writing: value))"
        try await self.succeed(words) { manager throws(LockManagerError) in
            try await manager.release(resource.id, writing: value)
        }
    }

    func forget(_ resource: Resource) async throws(RuleStop) {
        try await self.succeed("forget \(resource.id.name)") { manager throws(LockManagerError) in
            await manager.forget(resource.id)
        }
    }

    // MARK: Where others' holds stand, seen from this host

    /// Nobody else holds it.
    func findsFree(_ resource: Resource) async throws(RuleStop) {
        try await self.take(resource, .exclusive)
        try await self.release(resource)
    }

    /// Others hold it shared.
    func findsShared(_ resource: Resource) async throws(RuleStop) {
        try await self.isRefused(resource, .exclusive)
        try await self.take(resource, .shared)
        try await self.release(resource)
    }

    /// Another host holds it exclusively.
    func findsTaken(_ resource: Resource) async throws(RuleStop) {
        try await self.isRefused(resource, .shared)
    }

    /// Takes it as soon as it is free.
    func takesSoon(_ resource: Resource, _ mode: LockMode) async throws(RuleStop) -> Grant {
        let end = self.timing.time.now + self.timing.takeoverLimit
        while true {
            let outcome = try await self.acquire(resource, mode)
            if case .granted(let grant) = outcome { return grant }
            guard self.timing.time.now < end else {
                throw .broken(
                    expected: "that \(self) gets it within \(self.timing.takeoverLimit)",
                    happened: "the last answer is \(RuleWords.describe(outcome))")
            }
            await self.timing.pause(self.timing.quiet / 5)
        }
    }

    // MARK: Outcomes

    static func grant(_ outcome: AcquireOutcome) throws(RuleStop) -> Grant {
        if case .granted(let grant) = outcome { return grant }
        throw .broken(expected: "granted", happened: RuleWords.describe(outcome))
    }

    static func contention(_ outcome: AcquireOutcome) throws(RuleStop) -> Contention {
        if case .contended(let contention) = outcome { return contention }
        throw .broken(expected: "contended", happened: RuleWords.describe(outcome))
    }

    private var timing: HostTiming { self.setting.timing }
}
