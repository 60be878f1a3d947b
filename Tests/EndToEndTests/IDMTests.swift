import DaemonHarness
import Foundation
import LockCore
import LockIDM
import LockIDMEmulation
import Testing

/// Real lvm with lock type idm, on two hosts beside an emulated IDM lock manager each, on emulated
/// drives.
@Suite struct IDMTests {
    @Test func `volumes are created, locked, refused, renamed and removed`() async throws {
        try await onOwnThread {
            let hosts = try IDMHosts()
            try hosts.expect(
                1, "vgcreate --shared --locktype idm vg0 /dev/loop1",
                says: "Volume group \"vg0\" successfully created")
            try hosts.expect(2, "vgchange --lockstart vg0", says: "VG vg0 starting idm lockspace")
            try hosts.expect(1, "lvcreate -aey -Zn -Wn -L 16M -n lv0 vg0", says: "created")
            // Two that take part, the volume, and the global lock's members.
            guard hosts.holders >= 4 else { throw HarnessError("\(hosts.holders) holders") }

            try hosts.expect(2, "lvchange -aey vg0/lv0", refusedWith: refusal)
            try hosts.expect(2, "lvchange -asy vg0/lv0", refusedWith: refusal)
            try hosts.expect(2, "lvextend -L +16M vg0/lv0", refusedWith: refusal)
            try hosts.expect(1, "lvextend -L +16M vg0/lv0", says: "successfully resized")
            try hosts.expect(1, "lvrename vg0/lv0 vg0/lv1", says: "Renamed")

            try hosts.expect(1, "lvchange -an vg0/lv1")
            for host in 1...2 { try hosts.expect(host, "lvchange -asy vg0/lv1") }
            try hosts.expect(2, "lvchange -aey vg0/lv1", refusedWith: "vg0/lv1")
            for host in 1...2 { try hosts.expect(host, "lvchange -an vg0/lv1") }

            try hosts.expect(1, "lvremove -y vg0/lv1", says: "successfully removed")
            try hosts.expect(1, "vgremove -y vg0", refusedWith: "Lockspace for \"vg0\" not stopped")
            try hosts.expect(2, "vgchange --lockstop vg0")
            try hosts.expect(1, "vgrename vg0 vg1", says: "successfully renamed")
            try hosts.expect(1, "vgchange --lockstart vg1")
            try hosts.expect(1, "vgremove -y vg1", says: "successfully removed")
        }
    }

    @Test func `a daemon that starts again tells what its predecessor lost`() async throws {
        try await onOwnThread {
            let hosts = try IDMHosts()
            try hosts.expect(
                1, "vgcreate --shared --locktype idm vg0 /dev/loop1", says: "successfully created")
            try hosts.restart(1)
            try hosts.awaitLog(1, "an earlier daemon ended in lockspace lvm_vg0: the IDM lock")
            try hosts.expect(1, "vgchange --lockstart vg0")
            try hosts.expect(1, "lvcreate -aey -Zn -Wn -L 16M -n lv0 vg0", says: "created")
        }
    }

    @Test func `a daemon without a lock manager tells what its predecessor will lose`()
        async throws
    {
        // What an earlier process leaves that ends without a word.
        var access = DriveAccess(hostID: 1)
        let state = FileManager.default.temporaryDirectory.appending(path: "hfe\(UUID())")
        defer { try? FileManager.default.removeItem(at: state) }
        access.stateFolder = state.path
        let drives = EmulatedDriveBank(drives: 1)
        access.openDrive = { _ in EmulatedCable(drives: drives) }
        let manager = IDMLockManager(driving: access)
        let lockspace = Lockspace(
            volumeGroup: "vg0", kind: .idm, uuid: "u", drives: ["/dev/emulated"])
        _ = try await manager.join(
            manager.prepare(lockspace, JoinOptions()), JoinOptions())
        try await onOwnThread {
            let sandbox = try Sandbox()
            let run = sandbox.outside("/run/holdfast")
            try FileManager.default.createDirectory(
                atPath: run, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: state.path, toPath: "\(run)/idm")
            let daemon = try Daemon(Repository.daemon, ["--idm-direct"], in: sandbox)
            try daemon.awaitLog("an earlier daemon ended in lockspace lvm_vg0: its locks run out")
            withExtendedLifetime(daemon) {}
        }
    }

    @Test func `a disk that has no mutexes is refused, and nothing hangs`() async throws {
        try await onOwnThread {
            let sandbox = try Sandbox(disk: "64M")
            let daemon = try Daemon(
                Repository.daemon, ["--idm-direct", "--idm-gl-drive", "/dev/loop1"], in: sandbox)
            let (status, output) = try sandbox.command([
                "lvm", "vgcreate", "--shared", "--locktype", "idm", "vg0", "/dev/loop1",
                "--driverloaded", "n",
            ]).runToEnd()
            guard status == 5, output.contains("Global lock failed") else {
                throw HarnessError("status \(status), \(output)")
            }
            try daemon.awaitLog("loop1 is no SCSI or NVMe drive, or sg is not loaded")
            withExtendedLifetime(daemon) {}
        }
    }
}

/// This process's way to an emulated drive.
private struct EmulatedCable: Drive {
    let drives: EmulatedDriveBank
    var identity: String { "emulated" }

    func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer {
        try self.drives.perform(command, on: 0, from: 1)
    }
}

private let refusal = "LV locked by other host: vg0/lv0"

/// Two daemons, each with an emulated IDM lock manager, and a disk that both see.
private final class IDMHosts: LVMHosts {
    let sandbox: Sandbox
    private let drives = EmulatedDriveBank(drives: 3)
    private var managers: [EmulatedLockManager] = []
    private var daemons: [Int: Daemon] = [:]

    init() throws {
        self.sandbox = try Sandbox(disk: "256M")
        for host in 1...2 {
            let folder = self.sandbox.outside("/run/ilm\(host)")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            // The volume group's one drive, and three that carry the global lock.
            let manager = try EmulatedLockManager(
                host: host, drives: self.drives,
                paths: ["/dev/loop1": 0, "/dev/gl0": 0, "/dev/gl1": 1, "/dev/gl2": 2],
                socketPath: "\(folder)/main.sock")
            self.managers.append(manager)
            try self.startDaemon(host)
        }
    }

    deinit {
        self.daemons = [:]
        for manager in self.managers { manager.stop() }
    }

    private func startDaemon(_ host: Int) throws {
        let drives = (0..<3).flatMap { ["--idm-gl-drive", "/dev/gl\($0)"] }
        self.daemons[host] = try Daemon(
            Repository.daemon, drives, socket: Self.socket(host),
            pidFile: host == 1 ? "/run/lvmlockd.pid" : "/run/lvmlockd\(host).pid",
            environment: ["ILM_RUN_DIR": "/run/ilm\(host)"], in: self.sandbox)
    }

    /// Kills the daemon and starts another.
    func restart(_ host: Int) throws {
        self.daemons[host] = nil
        unlink(self.sandbox.outside("/run/lvmlockd.pid"))
        try self.startDaemon(host)
    }

    func awaitLog(_ host: Int, _ text: String) throws {
        try self.daemons[host]?.awaitLog(text)
    }

    /// Holds on the drive of the volume group.
    var holders: Int { self.drives.records(of: 0).count { $0.state != .unlocked } }

    static func socket(_ host: Int) -> String { "/run/lvm/lvmlockd.socket.\(host)" }
}
