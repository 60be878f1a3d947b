import DaemonHarness
import Foundation
import LockCore
import LockIDM
import LockIDMEmulation
import LockTesting

/// Hosts, each a process that talks to shared drives without a daemon.
final class DirectHosts: HostWorld {
    let drives: EmulatedDriveBank
    let paths: [String]
    private let hosts: Int
    private let folder: URL
    private let servers: [EmulatedDriveServer]

    init(drives count: Int, hosts: Int) throws {
        self.drives = EmulatedDriveBank(drives: count)
        self.paths = (0..<count).map { "/dev/emulated\($0)" }
        self.hosts = hosts
        self.folder = FileManager.default.temporaryDirectory.appending(path: "hfd\(UUID())")
        self.servers = try (1...hosts).map { [folder, drives, paths] host in
            let folder = folder.appending(path: "\(host)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return try EmulatedDriveServer(
                drives, host: host, paths: paths, folder: folder.path)
        }
    }

    deinit { try? FileManager.default.removeItem(at: self.folder) }

    /// What is on a machine until it is booted again.
    private func state(of host: Int) -> URL { self.folder.appending(path: "\(host)/state") }

    func fixture() -> AgentFixture<DirectHosts> {
        AgentFixture(count: self.hosts, world: self) { [self] host in
            .process(executable: Repository.product("HostAgent"), arguments: self.arguments(host))
        }
    }

    func arguments(_ host: Int) -> [String] {
        [
            "--manager", "idm-direct", "--host", "\(host)", "--drives",
            self.folder.appending(path: "\(host)").path,
            "--state-folder", self.state(of: host).path, "--boot", self.boot(of: host),
            "--countdown", "\(HostTimes.countdown.milliseconds)",
            "--give-up", "\(HostTimes.giveUp.milliseconds)",
            "--renewal-interval", "\(HostTimes.checkInterval.milliseconds)",
        ]
    }

    /// The boot goes with the machine's state.
    private func boot(of host: Int) -> String {
        let file = self.folder.appending(path: "\(host)/boot")
        if let boot = try? String(contentsOf: file, encoding: .utf8) { return boot }
        let boot = String(UUID().uuidString.prefix(13))
        try? boot.write(to: file, atomically: true, encoding: .utf8)
        return boot
    }

    var abilities: Set<HostAbility> { Set(HostAbility.allCases) }
    var timing: HostTiming { HostTimes.rules }

    func crash(_ host: Int) async throws(FixtureError) {
        try? FileManager.default.removeItem(at: self.state(of: host))
        try? FileManager.default.removeItem(at: self.folder.appending(path: "\(host)/boot"))
    }

    func cutOff(_ host: Int) async throws(FixtureError) {
        self.drives.setCutOff(true, host: host)
    }

    func reconnect(_ host: Int) async throws(FixtureError) {
        self.drives.setCutOff(false, host: host)
    }

    /// Somebody takes the mutexes away.
    func takeAway(_ lockspace: Lockspace.ID, from host: Int) async throws(FixtureError) {
        let group = try GroupNames.lock(lockspace, .volumeGroup)
        self.drives.dropHolds { $0.isBeside(group) && $1.number == UInt64(host) }
    }

    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError) {
        let kind: EmulatedDriveBank.Kind =
            switch call {
            case .acquire: .take
            case .convert: .convert
            case .release: .release
            }
        let emulated: EmulatedDriveBank.Fault =
            switch fault {
            case .fails: .fails
            case .answerIsLost: .answerIsLost
            case .delay(let duration): .delay(duration)
            }
        let lock = try GroupNames.lock(resource.lockspace, resource.name)
        self.drives.strike(kind, of: lock, from: host, with: emulated)
    }

    func makeVolumeGroup(
        named name: String, with manager: any LockManager
    ) async throws(FixtureError) -> Lockspace {
        Lockspace(
            volumeGroup: name, kind: .idm, uuid: GroupNames.uuid(of: name), arguments: "idm",
            drives: self.paths)
    }
}
