import LockCore

/// An acquire that is under way while the check goes on.
struct PendingAcquire {
    let what: String
    private let resource: Resource
    private let manager: any LockManager
    private let call: Task<Result<AcquireOutcome, LockManagerError>, Never>
    private let setting: RuleSetting

    init(_ host: RuleHost, _ resource: Resource, _ mode: LockMode, waiting: Bool) {
        let manager = host.process.manager
        let words = waiting ? ", waiting" : ""
        self.what = "\(host): acquire \(resource.id.name) \(mode)\(words)"
        self.resource = resource
        self.manager = manager
        self.setting = host.setting
        self.call = Task.immediate {
            do throws(LockManagerError) {
                return .success(
                    try await manager.acquire(resource, mode, AcquireOptions(waiting: waiting)))
            } catch {
                return .failure(error)
            }
        }
    }

    /// What it comes to, which must not take longer than the limit.
    func outcome(within limit: Duration? = nil) async throws(RuleStop) -> AcquireOutcome {
        let limit = limit ?? self.setting.timing.callLimit
        guard let result = await self.result(within: limit) else {
            self.setting.note("\(self.what): no answer")
            throw .broken(
                expected: "that the acquire answers within \(limit)",
                happened: "it did not")
        }
        self.setting.note("\(self.what): \(RuleWords.describe(result))")
        switch result {
        case .success(let outcome): return outcome
        case .failure(let error):
            throw .broken(expected: "that it succeeds", happened: "it failed: \(error)")
        }
    }

    @discardableResult
    func grant(within limit: Duration? = nil) async throws(RuleStop) -> Grant {
        try RuleHost.grant(await self.outcome(within: limit))
    }

    /// Looks for a while that there is no answer.
    func keepsWaiting() async throws(RuleStop) {
        guard let result = await self.result(within: self.setting.timing.quiet) else {
            return self.setting.note("\(self.what): no answer yet")
        }
        self.setting.note("\(self.what): \(RuleWords.describe(result))")
        throw .broken(
            expected: "that it does not answer yet",
            happened: "it answered: \(RuleWords.describe(result))")
    }

    /// True as long as there is no answer.
    var isUnderWay: Bool {
        get async { await self.result(within: .zero) == nil }
    }

    /// Ends it, if the check left it unanswered.
    func withdraw() async {
        let (manager, id) = (self.manager, self.resource.id)
        _ = await self.setting.timing.bounded(by: self.setting.timing.callLimit) {
            await manager.cancelAcquire(id)
        }
        self.call.cancel()
    }

    private func result(
        within limit: Duration
    ) async -> Result<AcquireOutcome, LockManagerError>? {
        let call = self.call
        return await self.setting.timing.bounded(by: limit) { await call.value }
    }
}
