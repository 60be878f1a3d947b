import LockCore
import LockInMemory
import LockTesting

/// What a broken manager is made of: a good one, and what a mutation needs to break it.
struct Intact: Sendable {
    let manager: InMemoryLockManager
    let host: UInt64
    let cluster: InMemoryCluster
    /// Shared by all hosts and processes of one check.
    let notes: Notes

    func key(_ resource: Resource.ID) -> String {
        "\(resource.lockspace.name)/\(resource.name)"
    }

    /// Stands for this host and the resource.
    func own(_ resource: Resource.ID) -> String { "\(self.host):\(self.key(resource))" }

    /// How this host holds the resource in truth.
    func mode(of resource: Resource.ID) -> LockMode {
        self.cluster.holds(on: resource).first { $0.host == self.host }?.mode ?? .unlocked
    }

    /// The others that hold the resource in truth.
    func others(on resource: Resource.ID) -> [(host: UInt64, mode: LockMode)] {
        self.cluster.holds(on: resource).filter { $0.host != self.host }
    }

    /// An answer that nothing stands behind.
    static func lie() -> AcquireOutcome {
        .granted(Grant(id: Grant.ID(.random(in: 1_000...1_000_000_000))))
    }
}

/// What mutations remember.
actor Notes {
    private var numbers: [String: UInt64] = [:]
    private var blocks: [String: [ValueBlock]] = [:]
    private var outcomes: [String: AcquireOutcome] = [:]

    func get(_ key: String) -> UInt64? { self.numbers[key] }

    func set(_ key: String, _ number: UInt64?) { self.numbers[key] = number }

    /// Counts up, and returns how far.
    @discardableResult
    func count(_ key: String, by step: Int = 1) -> UInt64 {
        let number = UInt64(max(0, Int(self.numbers[key] ?? 0) + step))
        self.numbers[key] = number
        return number
    }

    func keys(beginning prefix: String) -> [String] {
        self.numbers.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }

    func removeAll(ending suffix: String = "", containing part: String) {
        for key in self.numbers.keys where key.contains(part) && key.hasSuffix(suffix) {
            self.numbers[key] = nil
        }
        for key in self.blocks.keys where key.contains(part) { self.blocks[key] = nil }
    }

    func published(_ key: String) -> [ValueBlock] { self.blocks[key] ?? [] }

    func publish(_ key: String, _ block: ValueBlock) { self.blocks[key, default: []].append(block) }

    func outcome(_ key: String) -> AcquireOutcome? { self.outcomes[key] }

    func setOutcome(_ key: String, _ outcome: AcquireOutcome?) { self.outcomes[key] = outcome }
}

/// A lock manager that breaks the contract in one way, and keeps it otherwise.
struct MutatedLockManager: ForwardingLockManager {
    let intact: Intact
    var base: InMemoryLockManager { self.intact.manager }
    var events: AsyncStream<LockManagerEvent>

    /// What the process does when it starts.
    var start: @Sendable (Intact) async -> Void = { _ in }
    var running: @Sendable (Intact) async -> Bool = { await $0.manager.isRunning() }
    var joining:
        @Sendable (Intact, Prepared, JoinOptions) async throws(LockManagerError) -> Membership = {
            intact, prepared, options throws(LockManagerError) in
            try await intact.manager.join(prepared, options)
        }
    var leaving:
        @Sendable (Intact, Lockspace.ID, LeaveReason) async throws(LockManagerError) -> Void = {
            intact, id, reason throws(LockManagerError) in
            try await intact.manager.leave(id, reason)
        }
    var others: @Sendable (Intact, Lockspace.ID) async throws(LockManagerError) -> OtherHosts = {
        intact, id throws(LockManagerError) in try await intact.manager.otherHosts(in: id)
    }
    var local: @Sendable (Intact, Lockspace.ID) async throws(LockManagerError) -> Host? = {
        intact, id throws(LockManagerError) in try await intact.manager.localHost(in: id)
    }
    var left: @Sendable (Intact) async throws(LockManagerError) -> [Lockspace.ID] = {
        intact throws(LockManagerError) in try await intact.manager.leftBehind()
    }
    var acquiring:
        @Sendable (Intact, Resource, LockMode, AcquireOptions) async throws(LockManagerError)
            -> AcquireOutcome = { intact, resource, mode, options throws(LockManagerError) in
                try await intact.manager.acquire(resource, mode, options)
            }
    var cancelling: @Sendable (Intact, Resource.ID) async -> Void = { intact, id in
        await intact.manager.cancelAcquire(id)
    }
    var converting:
        @Sendable (Intact, Resource.ID, LockMode, ValueBlock?) async throws(LockManagerError)
            -> AcquireOutcome = { intact, id, mode, value throws(LockManagerError) in
                try await intact.manager.convert(id, to: mode, writing: value)
            }
    var releasing:
        @Sendable (Intact, Resource.ID, ValueBlock?) async throws(LockManagerError) -> Void = {
            intact, id, value throws(LockManagerError) in
            try await intact.manager.release(id, writing: value)
        }
    var forgetting: @Sendable (Intact, Resource.ID) async -> Void = { intact, id in
        await intact.manager.forget(id)
    }
    var listing: @Sendable (Intact, Resource) async throws(LockManagerError) -> [Host]? = {
        intact, resource throws(LockManagerError) in
        try await intact.manager.holders(of: resource)
    }
    var purging: @Sendable (Intact, Lockspace.ID) async throws(LockManagerError) -> Void = {
        intact, id throws(LockManagerError) in try await intact.manager.purgeOrphans(in: id)
    }

    init(_ intact: Intact) {
        self.intact = intact
        self.events = intact.manager.events
    }

    /// Reports other events in place of each that the intact manager reports.
    mutating func reportInstead(
        _ change: @escaping @Sendable (LockManagerEvent, Notes) async -> [LockManagerEvent]
    ) {
        let (events, reports) = AsyncStream.makeStream(of: LockManagerEvent.self)
        let (intact, notes) = (self.intact.manager.events, self.intact.notes)
        self.events = events
        Task {
            for await event in intact {
                for other in await change(event, notes) { reports.yield(other) }
            }
            reports.finish()
        }
    }
}

extension MutatedLockManager {
    func isRunning() async -> Bool { await self.running(self.intact) }

    func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        try await self.joining(self.intact, prepared, options)
    }

    func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        try await self.leaving(self.intact, lockspace, reason)
    }

    func otherHosts(in lockspace: Lockspace.ID) async throws(LockManagerError) -> OtherHosts {
        try await self.others(self.intact, lockspace)
    }

    func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        try await self.local(self.intact, lockspace)
    }

    func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        try await self.left(self.intact)
    }

    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.acquiring(self.intact, resource, mode, options)
    }

    func cancelAcquire(_ resource: Resource.ID) async {
        await self.cancelling(self.intact, resource)
    }

    func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.converting(self.intact, resource, mode, value)
    }

    func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        try await self.releasing(self.intact, resource, value)
    }

    func forget(_ resource: Resource.ID) async {
        await self.forgetting(self.intact, resource)
    }

    func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        try await self.listing(self.intact, resource)
    }

    func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        try await self.purging(self.intact, lockspace)
    }
}
