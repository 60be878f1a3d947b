import LockCore
import LockInMemory
import Testing

/// A cluster whose first hosts have joined one volume group.
struct TestCluster {
    let cluster: InMemoryCluster
    let hosts: [InMemoryLockManager]
    let lockspace: Lockspace

    init(
        hosts count: Int = 2, _ configuration: InMemoryCluster.Configuration = .native
    ) async throws {
        self.cluster = InMemoryCluster(configuration)
        let arguments = configuration.arguments == .leaseVolume ? "1.0.0:lvmlock" : ""
        self.lockspace = Lockspace(
            volumeGroup: "vg0", kind: configuration.kind, arguments: arguments)
        self.hosts = (0..<UInt64(count)).map { [cluster] in cluster.host($0 + 1) }
        for host in self.hosts { try await host.join(self.lockspace) }
    }

    var alice: InMemoryLockManager { self.hosts[0] }
    var bob: InMemoryLockManager { self.hosts[1] }
    var carol: InMemoryLockManager { self.hosts[2] }

    var group: Resource { self.resource(.volumeGroup) }
    var volume: Resource { self.resource(.logicalVolume("uuid-1")) }

    func resource(_ name: Resource.Name) -> Resource {
        Resource(Resource.ID(lockspace: self.lockspace.id, name: name))
    }

    func modes(_ resource: Resource) -> [UInt64: LockMode] {
        Dictionary(
            uniqueKeysWithValues: self.cluster.holds(on: resource.id).map { ($0.host, $0.mode) })
    }
}

extension InMemoryLockManager {
    @discardableResult
    func join(_ lockspace: Lockspace, adopting: Adoption = .none) async throws -> Membership {
        let options = JoinOptions(adopting: adopting)
        return try await self.join(self.prepare(lockspace, options), options)
    }

    func acquire(
        _ resource: Resource, _ mode: LockMode, waiting: Bool = false, adopting: Adoption = .none
    ) async throws -> AcquireOutcome {
        try await self.acquire(
            resource, mode, AcquireOptions(waiting: waiting, adopting: adopting))
    }

    /// Acquires what must be free.
    @discardableResult
    func take(_ resource: Resource, _ mode: LockMode) async throws -> Grant {
        try #require(try await self.acquire(resource, mode).grant)
    }

    func letGo(_ resource: Resource, writing version: UInt32? = nil) async throws {
        try await self.release(resource.id, writing: version.map(ValueBlock.version))
    }
}

extension AcquireOutcome {
    var grant: Grant? {
        guard case .granted(let grant) = self else { return nil }
        return grant
    }

    var contention: Contention? {
        guard case .contended(let contention) = self else { return nil }
        return contention
    }

    var isGranted: Bool { self.grant != nil }
}

extension ValueBlock {
    static func version(_ version: UInt32) -> ValueBlock {
        ValueBlock(format: Self.currentFormat, resourceVersion: version)
    }
}

extension InMemoryCluster.Configuration {
    static func like(_ word: String) throws -> Self {
        try #require(.presenting(LockManagerKind(rawValue: word)))
    }

    static func test(
        _ word: String, clock: ManualClock = ManualClock(movesWithSleepers: true),
        deviceExists: @escaping @Sendable (String) -> Bool = { $0 == "/dev/mapper/vg0-lvmlock" }
    ) throws -> Self {
        let kind = LockManagerKind(rawValue: word)
        var mode = try #require(Self.testMode(kind, leaseDeviceExists: deviceExists))
        mode.clock = clock
        return mode
    }
}

/// The error that the body throws.
func failure(
    _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> LockManagerError {
    do {
        try await body()
    } catch let error as LockManagerError {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// A call that waits in a queue: started at once, so that what comes next comes after it.
func started(
    _ body: @escaping @Sendable () async throws -> AcquireOutcome
) -> Task<AcquireOutcome, any Error> {
    Task.immediate { try await body() }
}
