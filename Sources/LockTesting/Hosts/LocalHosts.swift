public import LockCore

/// Hosts in this process, each with a lock manager of its own that a closure makes.
///
/// ```swift
/// let hosts = LocalHosts(count: 3) { _ in FolderLockManager(folder: folder) }
/// ```
public actor LocalHosts<World: HostWorld>: HostFixture {
    /// What surrounds the hosts.
    public nonisolated let world: World
    /// How many hosts there are.
    public nonisolated let hostCount: Int
    private let makeManager: @Sendable (_ host: Int) async throws(FixtureError) -> any LockManager
    private var running: [Int: RunningHost] = [:]

    /// Describes hosts; none is started.
    ///
    /// - Parameter makeManager: Makes the lock manager of a host's next process.
    public init(
        count: Int, world: World,
        makeManager:
            @escaping @Sendable (_ host: Int) async throws(FixtureError)
            -> any LockManager
    ) {
        self.hostCount = count
        self.world = world
        self.makeManager = makeManager
    }

    /// Describes hosts that nothing surrounds. A process ends with the last reference to its
    /// manager.
    public init(
        count: Int, timing: HostTiming = HostTiming(),
        makeManager:
            @escaping @Sendable (_ host: Int) async throws(FixtureError)
            -> any LockManager
    ) where World == EmptyWorld {
        self.init(count: count, world: EmptyWorld(timing: timing), makeManager: makeManager)
    }

    /// Makes the host's manager, if it has none.
    public func start(_ host: Int) async throws(FixtureError) -> RunningHost {
        if let running = self.running[host] { return running }
        try await self.world.processStarts(on: host)
        let process = RunningHost(try await self.makeManager(host))
        self.running[host] = process
        return process
    }

    /// Drops the manager and makes another.
    public func restart(_ host: Int) async throws(FixtureError) -> RunningHost {
        self.running[host] = nil
        try await self.world.processEnded(on: host)
        return try await self.start(host)
    }

    /// Drops the manager; the machine is the world's matter.
    public func crash(_ host: Int) async throws(FixtureError) {
        self.running[host] = nil
        try await self.world.crash(host)
    }

    /// The world's matter.
    public func cutOff(_ host: Int) async throws(FixtureError) {
        try await self.world.cutOff(host)
    }

    /// The world's matter.
    public func reconnect(_ host: Int) async throws(FixtureError) {
        try await self.world.reconnect(host)
    }

    /// Drops the managers.
    public func stop() {
        self.running = [:]
    }
}

/// A world without machines: processes can be restarted, and that is all.
public struct EmptyWorld: HostWorld {
    /// How long calls take.
    public var timing: HostTiming
    /// Processes only.
    public var abilities: Set<HostAbility> { [.restart] }

    /// A world where calls take so long.
    public init(timing: HostTiming = HostTiming()) {
        self.timing = timing
    }
}
