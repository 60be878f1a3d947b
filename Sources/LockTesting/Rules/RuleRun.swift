import LockCore

/// Why a check ends before its end.
enum RuleStop: Error {
    /// Something is not as the rule demands.
    case broken(expected: String, happened: String)
    /// The rule turns out to demand nothing here.
    case notApplicable(String)
}

/// What the parts of one check share: the hosts' surroundings, and the steps taken.
final class RuleSetting {
    let fixture: any HostFixture
    let timing: HostTiming
    private(set) var steps: [String] = []
    private var repeated = 1
    var pending: [PendingAcquire] = []

    init(_ fixture: any HostFixture) {
        self.fixture = fixture
        self.timing = fixture.world.timing
    }

    /// Adds a step. One that only repeats the last is counted with it.
    func note(_ step: String) {
        if self.repeated > 1, self.steps.last == "\(step) (\(self.repeated) times)" {
            self.repeated += 1
            self.steps[self.steps.count - 1] = "\(step) (\(self.repeated) times)"
        } else if self.steps.last == step {
            self.repeated = 2
            self.steps[self.steps.count - 1] = "\(step) (2 times)"
        } else {
            self.repeated = 1
            self.steps.append(step)
        }
    }

    /// Does something to the hosts. That it cannot be done is not the manager's fault, but the rule
    /// has not been checked.
    func arrange<Answer: Sendable>(
        _ what: String,
        _ body: @escaping @Sendable (any HostFixture) async throws(FixtureError) -> Answer
    ) async throws(RuleStop) -> Answer {
        self.note(what)
        let fixture = self.fixture
        let result = await self.timing.bounded(by: self.timing.joinLimit) {
            () async -> Result<Answer, FixtureError> in
            do throws(FixtureError) {
                return .success(try await body(fixture))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let answer): return answer
        case .failure(let error):
            throw .broken(expected: "that the hosts can be made ready", happened: "\(error)")
        case nil:
            throw .broken(
                expected: "that the hosts can be made ready in \(self.timing.joinLimit)",
                happened: "that took longer")
        }
    }
}

/// One check under way. It belongs to one task; only acquires that wait run beside it.
final class RuleRun {
    let setting: RuleSetting
    private(set) var hosts: [RuleHost] = []
    private var groups: [Lockspace] = []
    /// The volume group that most of the check is about.
    var group = Lockspace(volumeGroup: "", kind: LockManagerKind(rawValue: ""))
    /// Keeps this check's volume groups apart from all others on the same hosts.
    private let name = "r" + String(UInt32.random(in: 0x1000_0000...0xffff_ffff), radix: 16)

    private init(_ fixture: any HostFixture) {
        self.setting = RuleSetting(fixture)
    }

    var timing: HostTiming { self.setting.timing }
    var first: RuleHost { self.hosts[0] }
    var second: RuleHost { self.hosts[1] }
    var third: RuleHost { self.hosts[2] }
    var capabilities: LockManagerCapabilities { self.first.process.manager.capabilities }

    // MARK: The whole of a check

    static func check(_ rule: LockManagerRule, on fixture: some HostFixture) async -> RuleReport {
        let run = RuleRun(fixture)
        var outcome = RuleReport.Outcome.kept
        var (expected, happened) = ("", "")
        do throws(RuleStop) {
            try await run.prepare(rule)
            try await rule.body(run)
        } catch {
            switch error {
            case .broken(let what, let instead):
                (outcome, expected, happened) = (.broken, what, instead)
            case .notApplicable(let reason): outcome = .notApplicable(reason)
            }
        }
        let steps = run.setting.steps
        await run.cleanUp()
        return RuleReport(
            rule: rule, outcome: outcome, steps: steps, expected: expected, happened: happened)
    }

    private func prepare(_ rule: LockManagerRule) async throws(RuleStop) {
        let fixture = self.setting.fixture
        guard fixture.hostCount >= rule.hostsNeeded else {
            throw .notApplicable(
                "it needs \(rule.hostsNeeded) hosts and there are \(fixture.hostCount)")
        }
        try await self.start(host: 1)
        let missing = rule.needs.compactMap {
            $0.missing(from: self.capabilities, fixture.world.abilities)
        }
        if let reason = missing.min() { throw .notApplicable(reason) }
        for number in 1..<rule.hostsNeeded { try await self.start(host: number + 1) }
    }

    private func start(host number: Int) async throws(RuleStop) {
        let process = try await self.setting.arrange("start host \(number)") {
            fixture throws(FixtureError) in try await fixture.start(number)
        }
        self.hosts.append(RuleHost(number, process, self.setting))
    }

    /// Leaves everything as later checks expect it. What fails here breaks no rule.
    private func cleanUp() async {
        for pending in self.setting.pending { await pending.withdraw() }
        for group in self.groups {
            for host in self.hosts { await host.leaveQuietly(group) }
            await self.setting.fixture.world.remove(group)
        }
    }

    // MARK: What checks begin with

    /// Makes a volume group and a logical volume in it, and lets every host join.
    func joinAll() async throws(RuleStop) -> Resource {
        self.group = try await self.makeVolumeGroup()
        for host in self.hosts { try await host.join(self.group) }
        return try await self.makeVolume("lv-1")
    }

    /// Makes a volume group that this check has for itself.
    func makeVolumeGroup(suffix: String = "") async throws(RuleStop) -> Lockspace {
        try await self.makeVolumeGroup(named: self.name + suffix)
    }

    func makeVolumeGroup(named name: String) async throws(RuleStop) -> Lockspace {
        let manager = self.first.process.manager
        let group = try await self.setting.arrange("make volume group \(name)") {
            fixture throws(FixtureError) in
            try await fixture.world.makeVolumeGroup(named: name, with: manager)
        }
        self.groups.append(group)
        return group
    }

    /// A name of that many bytes that begins like this check's other names.
    func padded(to length: Int) -> String {
        self.name + String(repeating: "n", count: max(0, length - self.name.utf8.count))
    }

    /// Makes a logical volume, in the group of all if no other is named.
    func makeVolume(_ name: String, in other: Lockspace? = nil) async throws(RuleStop) -> Resource {
        let (group, manager) = (other ?? self.group, self.first.process.manager)
        return try await self.setting.arrange("make volume \(name) in \(group.id)") {
            fixture throws(FixtureError) in
            try await fixture.world.makeVolume(named: name, in: group, with: manager)
        }
    }

    // MARK: What checks demand

    /// Ends the check unless it is so.
    func expect(
        _ isSo: Bool, _ expected: String, happened: @autoclosure () -> String
    ) throws(RuleStop) {
        guard isSo else { throw .broken(expected: expected, happened: happened()) }
    }

    /// Tries until it is so.
    func eventually(
        _ expected: String, within limit: Duration,
        _ isSo: () async throws(RuleStop) -> Bool
    ) async throws(RuleStop) {
        let end = self.timing.time.now + limit
        while try await !isSo() {
            guard self.timing.time.now < end else {
                throw .broken(
                    expected: "\(expected) within \(limit)", happened: "it did not come to that")
            }
            await self.timing.pause(self.timing.quiet / 5)
        }
    }

    /// Lets time pass in which something must not happen, or may.
    func quiet() async {
        await self.timing.pause(self.timing.quiet)
    }
}
