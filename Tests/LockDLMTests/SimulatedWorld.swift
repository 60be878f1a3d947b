import Glibc
import LockCore
import LockTesting

@testable import LockDLM

/// Nodes around a ``SimulatedKernel``, each with what dlm_controld would tell.
struct SimulatedWorld: HostWorld {
    /// A volume group of the cluster.
    static let group = Lockspace(volumeGroup: "vg", kind: .dlm, arguments: "1.0.0:rig")

    let kernel: SimulatedKernel
    let daemon = SimulatedDaemon()
    private let patience: Duration

    init(seed: UInt64 = 1, patience: Duration = DLMLockManager.patience) {
        self.kernel = SimulatedKernel(seed: seed)
        self.patience = patience
    }

    var abilities: Set<HostAbility> { [.restart, .crash, .failures] }
    var timing: HostTiming {
        HostTiming(
            callLimit: .seconds(10), takeoverLimit: .seconds(10), quiet: .milliseconds(30))
    }

    func manager(_ host: Int) -> DLMLockManager {
        self.manager(host, calls: self.kernel.calls(host))
    }

    /// A manager that makes those calls.
    func manager(_ host: Int, calls: DLMCalls) -> DLMLockManager {
        let kernel = self.kernel
        var files = ClusterFiles(folder: "/nonexistent", device: "/nonexistent")
        files.clusterName = { "rig" }
        files.nodeID = { UInt64(host) }
        files.lockspaces = { kernel.lockspaces(of: host) }
        files.obstacle = { nil }
        return DLMLockManager(
            calls: calls, files: files, watch: self.daemon.watch, control: nil,
            patience: self.patience)
    }

    /// A manager that has joined the group's lockspace.
    func joined(_ host: Int, adopting: Adoption = .none) async throws -> DLMLockManager {
        let manager = self.manager(host)
        let options = JoinOptions(adopting: adopting)
        _ = try await manager.join(manager.prepare(Self.group, options), options)
        return manager
    }

    func hosts(_ count: Int) -> LocalHosts<SimulatedWorld> {
        LocalHosts(count: count, world: self) { self.manager($0) }
    }

    func processEnded(on host: Int) async throws(FixtureError) {
        self.kernel.processEnded(host)
    }

    func crash(_ host: Int) async throws(FixtureError) {
        self.kernel.crash(host)
    }

    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError) {
        self.kernel.fail(call, on: host, DLMStatus(rawValue: EIO))
    }
}
