import DaemonHarness
import LockCore
import LockIDM
import LockIDMEmulation
import LockTesting

/// Hosts, each a process beside an emulated IDM lock manager of its own, that share drives.
struct ManagerHosts: HostWorld {
    let bench: ManagerBench

    private static let behaviour: EmulatedLockManager.Behaviour = {
        var behaviour = EmulatedLockManager.Behaviour()
        behaviour.acquireLimit = .milliseconds(200)
        behaviour.renewalInterval = .milliseconds(100)
        behaviour.giveUp = HostTimes.giveUp
        // Time to stop the machine after its processes have been ended.
        behaviour.closeDelay = .milliseconds(150)
        return behaviour
    }()

    init(drives: Int, hosts: Int) throws {
        self.bench = try ManagerBench(drives: drives, hosts: hosts, behaviour: Self.behaviour)
    }

    /// One process a host. A machine that crashed boots when its process is started.
    func fixture() -> AgentFixture<ManagerHosts> {
        AgentFixture(count: self.bench.managers.count, world: self) { host in
            .process(executable: Repository.product("HostAgent"), arguments: self.arguments(host))
        }
    }

    func arguments(_ host: Int) -> [String] {
        let manager = self.bench.managers[host - 1]
        manager.restart()
        return [
            "--manager", "idm", "--socket", manager.socketPath,
            "--countdown", "\(HostTimes.countdown.milliseconds)",
            "--give-up", "\(HostTimes.giveUp.milliseconds)",
            "--check-interval", "\(HostTimes.checkInterval.milliseconds)",
        ]
    }

    var abilities: Set<HostAbility> { Set(HostAbility.allCases) }
    var timing: HostTiming { HostTimes.rules }

    func crash(_ host: Int) async throws(FixtureError) {
        self.bench.managers[host - 1].crash()
    }

    func cutOff(_ host: Int) async throws(FixtureError) {
        self.bench.drives.setCutOff(true, host: host)
    }

    func reconnect(_ host: Int) async throws(FixtureError) {
        self.bench.drives.setCutOff(false, host: host)
    }

    /// The manager ends the connections, as one that fails would.
    func takeAway(_ lockspace: Lockspace.ID, from host: Int) async throws(FixtureError) {
        let group = try GroupNames.lock(lockspace, .volumeGroup)
        self.bench.managers[host - 1].closeConnections { $0.isBeside(group) }
    }

    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError) {
        let kind: EmulatedLockManager.Kind =
            switch call {
            case .acquire: .acquire
            case .convert: .convert
            case .release: .release
            }
        let emulated: EmulatedLockManager.Fault =
            switch fault {
            case .fails: .fails
            case .answerIsLost: .failsInTheMiddle
            case .delay(let duration): .delay(duration)
            }
        let lock = try GroupNames.lock(resource.lockspace, resource.name)
        self.bench.managers[host - 1].strike(kind, of: lock, with: emulated)
    }

    func makeVolumeGroup(
        named name: String, with manager: any LockManager
    ) async throws(FixtureError) -> Lockspace {
        Lockspace(
            volumeGroup: name, kind: .idm, uuid: GroupNames.uuid(of: name), arguments: "idm",
            drives: self.bench.paths)
    }
}
