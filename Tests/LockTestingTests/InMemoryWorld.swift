import LockCore
import LockInMemory
import LockTesting

/// The machines of an in-memory cluster.
struct InMemoryWorld: HostWorld {
    /// How long the cluster is sure that a lost lockspace's holds stay its host's.
    static let certainty = Duration.milliseconds(150)

    let cluster: InMemoryCluster
    let timing: HostTiming
    let abilities = Set(HostAbility.allCases)

    init(
        _ configuration: InMemoryCluster.Configuration, timing: HostTiming = HostTiming()
    ) {
        self.timing = timing
        var configuration = configuration
        configuration.crashedHostExpires = .milliseconds(100)
        self.cluster = InMemoryCluster(configuration)
    }

    func processEnded(on host: Int) async {
        self.cluster.restart(UInt64(host))
    }

    func crash(_ host: Int) async {
        self.cluster.crash(UInt64(host))
    }

    func cutOff(_ host: Int) async {
        self.cluster.cutOff(UInt64(host))
    }

    func reconnect(_ host: Int) async {
        self.cluster.reconnect(UInt64(host))
    }

    func takeAway(_ lockspace: Lockspace.ID, from host: Int) async {
        self.cluster.lose(lockspace, on: UInt64(host), certainFor: Self.certainty)
    }

    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async {
        let filter = InMemoryCluster.FaultFilter(
            call.inMemory, host: UInt64(host), lockspace: resource.lockspace,
            resource: resource.name)
        switch fault {
        case .fails:
            self.cluster.inject(
                .failure(.managerFailed, hold: .unchanged, status: -5), where: filter)
        case .answerIsLost:
            self.cluster.inject(
                .failure(.managerUnavailable, hold: .unknown, status: -110), where: filter)
        case .delay(let duration):
            self.cluster.inject(.slowRequest(duration), where: filter)
        }
    }
}

extension HostCall {
    fileprivate var inMemory: InMemoryCluster.Call {
        switch self {
        case .acquire: .acquire
        case .convert: .convert
        case .release: .release
        }
    }
}

extension InMemoryCluster {
    /// The manager of the host's next process. A machine that crashed is booted.
    func managerOfNextProcess(_ host: Int) async -> InMemoryLockManager {
        let manager = self.host(UInt64(host))
        return await manager.isRunning() ? manager : self.restart(UInt64(host))
    }
}

/// Hosts of an in-memory cluster, in this process.
typealias InMemoryHosts = LocalHosts<InMemoryWorld>

extension LocalHosts<InMemoryWorld> {
    init(count: Int, _ configuration: InMemoryCluster.Configuration = .native) {
        let world = InMemoryWorld(configuration)
        self.init(count: count, world: world) { host in
            await world.cluster.managerOfNextProcess(host)
        }
    }
}

/// What the rules are checked with.
enum Setup: String, CaseIterable, Sendable {
    case native, dlm, sanlock, idm
    /// As lvmlockd is built: without value blocks.
    case plain

    var configuration: InMemoryCluster.Configuration {
        switch self {
        case .native: return .native
        case .dlm, .sanlock, .idm:
            return .presenting(LockManagerKind(rawValue: self.rawValue)) ?? .native
        case .plain:
            var plain = Setup.sanlock.configuration
            plain.capabilities.valueBlock = .none
            plain.capabilities.adoption = false
            plain.capabilities.fencingTokens = false
            return plain
        }
    }
}

extension LockManagerEvent {
    var isWanted: Bool {
        if case .wanted = self.what { true } else { false }
    }

    var isLoss: Bool {
        if case .lost = self.what { true } else { false }
    }
}
