import LockCore

/// One host of a check: the calls of its manager, bounded in time and recorded as steps.
final class RuleHost: CustomStringConvertible {
    let number: Int
    let setting: RuleSetting
    private(set) var process: RunningHost
    /// The memberships that this check began and has not ended.
    private(set) var memberships: [Lockspace.ID: Membership] = [:]

    init(_ number: Int, _ process: RunningHost, _ setting: RuleSetting) {
        self.number = number
        self.process = process
        self.setting = setting
    }

    var description: String { "host \(self.number)" }

    // MARK: Any call

    /// What the manager answers. That it does not is a breach.
    func ask<Answer: Sendable>(
        _ what: String, within limit: Duration? = nil,
        _ call: @escaping @Sendable (any LockManager) async throws(LockManagerError) -> Answer
    ) async throws(RuleStop) -> Result<Answer, LockManagerError> {
        let (manager, limit) = (self.process.manager, limit ?? self.setting.timing.callLimit)
        let result = await self.setting.timing.bounded(by: limit) {
            () async -> Result<Answer, LockManagerError> in
            do throws(LockManagerError) {
                return .success(try await call(manager))
            } catch {
                return .failure(error)
            }
        }
        guard let result else {
            self.setting.note("\(self): \(what): no answer")
            throw .broken(expected: "an answer within \(limit)", happened: "none came")
        }
        self.setting.note("\(self): \(what): \(RuleWords.describe(result))")
        return result
    }

    /// What the manager answers. An error is a breach.
    func succeed<Answer: Sendable>(
        _ what: String, within limit: Duration? = nil,
        _ call: @escaping @Sendable (any LockManager) async throws(LockManagerError) -> Answer
    ) async throws(RuleStop) -> Answer {
        switch try await self.ask(what, within: limit, call) {
        case .success(let answer): return answer
        case .failure(let error):
            throw .broken(expected: "that it succeeds", happened: "it failed: \(error)")
        }
    }

    /// The manager's error. Success is a breach, and so is an error that says nothing.
    @discardableResult
    func fail<Answer: Sendable>(
        _ what: String,
        _ call: @escaping @Sendable (any LockManager) async throws(LockManagerError) -> Answer
    ) async throws(RuleStop) -> LockManagerError {
        switch try await self.ask(what, call) {
        case .success(let answer):
            throw .broken(
                expected: "an error", happened: "no error: \(RuleWords.describe(answer))")
        case .failure(let error) where error.doing.isEmpty:
            throw .broken(
                expected: "an error that says what was being done",
                happened: "`doing` is empty in the error \(error.code)")
        case .failure(let error): return error
        }
    }

    // MARK: Lockspaces

    /// Prepares and joins.
    @discardableResult
    func join(
        _ group: Lockspace, adopting: Adoption = .none
    ) async throws(RuleStop) -> Membership {
        switch try await self.tryToJoin(group, adopting: adopting) {
        case .success(let membership): return membership
        case .failure(let error):
            throw .broken(expected: "that it joins", happened: "it failed: \(error)")
        }
    }

    /// Prepares and joins, or fails in one of both.
    func tryToJoin(
        _ group: Lockspace, adopting: Adoption = .none
    ) async throws(RuleStop) -> Result<Membership, LockManagerError> {
        let limit = self.setting.timing.joinLimit
        let options = JoinOptions(adopting: adopting)
        var group = group
        group.hostID = group.hostID ?? UInt32(self.number)
        let words = "join \(group.id)\(RuleWords.describe(adopting))"
        let result = try await self.ask(words, within: limit) {
            [group] manager throws(LockManagerError) in
            try await manager.join(manager.prepare(group, options), options)
        }
        if case .success(let membership) = result { self.memberships[group.id] = membership }
        return result
    }

    /// Leaves.
    func leave(_ group: Lockspace, _ reason: LeaveReason = .stopped) async throws(RuleStop) {
        self.memberships[group.id] = nil
        try await self.succeed("leave \(group.id)", within: self.setting.timing.joinLimit) {
            manager throws(LockManagerError) in try await manager.leave(group.id, reason)
        }
    }

    /// Leaves after a check, whatever comes of it.
    func leaveQuietly(_ group: Lockspace) async {
        guard self.memberships.removeValue(forKey: group.id) != nil else { return }
        let manager = self.process.manager
        _ = await self.setting.timing.bounded(by: self.setting.timing.joinLimit) {
            // The check is over; what it found has been reported.
            try? await manager.leave(group.id, .stopped)
        }
    }

    /// How the membership of a group began.
    func membership(in group: Lockspace) throws(RuleStop) -> Membership {
        guard let membership = self.memberships[group.id] else {
            throw .broken(expected: "that \(self) is in \(group.id)", happened: "it is not")
        }
        return membership
    }

    // MARK: Machines and processes

    /// Ends the process and starts another.
    func restart() async throws(RuleStop) {
        let number = self.number
        self.process = try await self.setting.arrange("\(self): the process ends and restarts") {
            fixture throws(FixtureError) in try await fixture.restart(number)
        }
    }

    /// Stops the machine.
    func crash() async throws(RuleStop) {
        let number = self.number
        self.memberships = [:]
        try await self.setting.arrange("\(self): the machine crashes") {
            fixture throws(FixtureError) in try await fixture.crash(number)
        }
    }

    /// Starts the machine again.
    func boot() async throws(RuleStop) {
        let number = self.number
        self.process = try await self.setting.arrange("\(self): the machine boots again") {
            fixture throws(FixtureError) in try await fixture.start(number)
        }
    }

    func cutOff() async throws(RuleStop) {
        let number = self.number
        try await self.setting.arrange("\(self): is cut off") {
            fixture throws(FixtureError) in try await fixture.cutOff(number)
        }
    }

    func reconnect() async throws(RuleStop) {
        let number = self.number
        try await self.setting.arrange("\(self): is reconnected") {
            fixture throws(FixtureError) in try await fixture.reconnect(number)
        }
    }

    /// Takes the lockspace from the host.
    func lose(_ group: Lockspace) async throws(RuleStop) {
        let number = self.number
        try await self.setting.arrange("\(self): \(group.id) is taken away") {
            fixture throws(FixtureError) in
            try await fixture.world.takeAway(group.id, from: number)
        }
    }

    /// Puts a fault in store for the next such call.
    func strike(
        _ call: HostCall, of resource: Resource, with fault: HostFault
    ) async throws(RuleStop) {
        let number = self.number
        try await self.setting.arrange("\(self): the next \(call) meets \(fault)") {
            fixture throws(FixtureError) in
            try await fixture.world.strike(call, on: number, of: resource.id, with: fault)
        }
    }

    /// The first event of a kind, which has to come in time.
    func event(
        _ expected: String, within limit: Duration? = nil,
        where matches: @escaping @Sendable (LockManagerEvent) -> Bool
    ) async throws(RuleStop) -> LockManagerEvent {
        let limit = limit ?? self.setting.timing.callLimit
        guard let event = await self.eventIfAny(within: limit, where: matches) else {
            let all = await self.process.events.all
            throw .broken(
                expected: "\(expected) within \(limit)",
                happened: "the events are \(all.map(RuleWords.describe))")
        }
        self.setting.note("\(self): \(RuleWords.describe(event))")
        return event
    }

    /// The first event of a kind, if it comes in time.
    func eventIfAny(
        within limit: Duration, where matches: @escaping @Sendable (LockManagerEvent) -> Bool
    ) async -> LockManagerEvent? {
        let log = self.process.events
        return await self.setting.timing.bounded(by: limit) {
            await log.first(where: matches)
        } ?? nil
    }
}
