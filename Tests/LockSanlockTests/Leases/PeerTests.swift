#if Sanlock
import DaemonHarness
import Foundation
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    /// Debian's lvmlockd and Holdfast on the same storage.
    @Suite struct PeerTests {
        @Test(arguments: [(512, false), (512, true), (4096, false)])
        func `Holdfast formats a volume group byte for byte as lvmlockd does`(
            sectorBytes: Int, isDisabled: Bool
        ) async throws {
            let calls = try await RealDaemon.calls()
            let peer = try Peer(sectorBytes: sectorBytes)
            let options = isDisabled ? "disable" : "enable"
            let reply = try peer.call(
                "init_vg", [("vg_lock_args", "lvmlock"), ("opts", options)])
            #expect(reply["op_result"] == "0", "\(reply)")
            let theirs = try peer.contents()
            #expect(theirs.count >= 4, "the lockspace, two locks, and unused leases")

            try peer.wipe()
            #expect(try peer.contents().isEmpty)
            let made = try await peer.manager(calls).initialise(
                VolumeGroupRequest(
                    volumeGroup: "vg1", arguments: "lvmlock", globalLock: !isDisabled))
            #expect(made.arguments == reply["vg_lock_args"])
            let ours = try peer.contents()
            #expect(ours.keys.sorted() == theirs.keys.sorted())
            for (offset, bytes) in theirs {
                #expect(ours[offset] == bytes, "1 MiB at \(offset) differs")
            }
        }

        @Test func `lvmlockd and Holdfast give out leases of the same volume group in turn`()
            async throws
        {
            let calls = try await RealDaemon.calls()
            let peer = try Peer(sectorBytes: 512)
            let made = try await peer.manager(calls).initialise(
                VolumeGroupRequest(volumeGroup: "vg1", arguments: "lvmlock"))
            let manager = peer.manager(calls)
            let volume = try LeaseVolume.read(
                peer.device, lockspace: "lvm_vg1", calls, doing: "test"
            ).volume
            try await manager.actAsMember(of: volume)
            for (turn, offset) in (67...70).enumerated() {
                let arguments: String?
                if turn.isMultiple(of: 2) {
                    arguments = try await manager.allocateLease(
                        LogicalVolumeRequest(
                            volumeGroup: "vg1", groupArguments: made.arguments,
                            volume: LogicalVolume(uuid: "ours-\(offset)")))
                } else {
                    let reply = try peer.call(
                        "init_lv",
                        [
                            ("lv_name", "lv"), ("lv_uuid", "theirs-\(offset)"),
                            ("vg_lock_args", made.arguments),
                        ])
                    arguments = reply["lv_lock_args"]
                }
                #expect(arguments == "1.0.0:\(offset << 20)")
            }
            #expect(
                try volume.names(67...71) == [
                    "ours-67", "theirs-68", "ours-69", "theirs-70", "#unused",
                ])
        }

        @Test func `lvmlockd's leases of a renamed volume group are as Holdfast's`()
            async throws
        {
            let calls = try await RealDaemon.calls()
            let peer = try Peer(sectorBytes: 512)
            var renamed: [[UInt64: Data]] = []
            for isOurs in [false, true] {
                try peer.wipe()
                _ = try await peer.manager(calls).initialise(
                    VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
                let before = try LeaseVolume.read(
                    peer.device, lockspace: "lvm_vg0", calls, doing: "test"
                ).volume
                try before.write("volume", at: 68 << 20)
                if isOurs {
                    try await peer.manager(calls).renameLeases(
                        VolumeGroupRequest(volumeGroup: "vg1", arguments: "1.0.0:lvmlock"))
                } else {
                    let reply = try peer.call(
                        "rename_vg_final", [("vg_lock_args", "1.0.0:lvmlock")])
                    #expect(reply["op_result"] == "0", "\(reply)")
                }
                renamed.append(try peer.contents())
            }
            #expect(renamed[0] == renamed[1])
            #expect(!renamed[0].isEmpty)
        }
    }
}

/// lvmlockd with a sanlock daemon of its own, in a sandbox, and a volume `vg1/lvmlock` of 72
/// leases that both sides can use.
private final class Peer {
    private let sandbox: Sandbox
    private let sanlock: ChildProcess
    private let daemon: Daemon
    private let mebibytes: Int
    /// The volume with the leases, as it is called outside of the sandbox.
    let device: String

    /// Not the daemon of this process.
    private static let environment = [
        "SANLOCK_RUN_DIR": "/run/sanlock", "SANLOCK_PRIVILEGED": "0",
    ]

    init(sectorBytes: Int) throws {
        self.mebibytes = sectorBytes == 512 ? 72 : 576
        self.sandbox = try Sandbox(disk: "\(self.mebibytes)M", names: ["vg1-lvmlock"])
        let file = "\(self.sandbox.folder)/disk"
        // That of the whole disk. A device whose file was deleted is listed too, if its inode
        // serves this file now.
        self.device = try Shell.run(
            "losetup --associated \(file) --noheadings --output NAME,OFFSET,BACK-FILE "
                + "| awk '!/deleted/ && $2 == 0 { print $1 }'"
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)
        // Here the whole disk is the volume with the leases.
        let link = self.sandbox.command(["ln", "-sf", "/dev/loop1", "/dev/mapper/vg1-lvmlock"])
        _ = try link.runToEnd()
        try Shell.run("losetup --sector-size \(sectorBytes) \(self.device)")
        self.sanlock = try self.sandbox.command(
            ["sanlock", "daemon", "-D", "-w", "0", "-U", "root", "-G", "root", "-e", "peer"],
            environment: Self.environment
        ).start()
        self.daemon = try Daemon(
            Repository.peer, ["-g", "sanlock", "--host-id", "1", "-o", "1"],
            environment: Self.environment, in: self.sandbox)
        try self.awaitSanlock()
    }

    deinit {
        self.sanlock.kill()
    }

    /// A manager whose leases lie on the volume.
    func manager(_ calls: SanlockCalls) -> SanlockLockManager {
        var configuration = SanlockLockManager.Configuration(killHelperPath: "/bin/true")
        configuration.ioTimeoutSeconds = 1
        configuration.leaseDevice = { [device] _, _ in device }
        return SanlockLockManager(configuration, calls: calls)
    }

    /// Asks lvmlockd to do something with the volume group.
    func call(_ request: String, _ fields: [(String, String)]) throws -> Message {
        let common = [
            ("request", request), ("pid", "1"), ("vg_name", "vg1"), ("vg_lock_type", "sanlock"),
        ]
        return try Connection(path: self.daemon.socketPath)
            .call(Message((common + fields).map { Message.Field($0, $1) }))
    }

    /// Fills the volume with zeros.
    func wipe() throws {
        try Shell.run("blkdiscard --zeroout \(self.device)")
    }

    /// What is on the volume, by stretches of 1 MiB that are not all zeros.
    func contents() throws -> [UInt64: Data] {
        try DiskContents.read(self.device)
    }

    private func awaitSanlock() throws {
        for _ in 0..<2000 {
            let status = self.sandbox.command(
                ["sanlock", "client", "status"], environment: Self.environment)
            if try status.runToEnd().status == 0 { return }
            usleep(5000)
        }
        throw TestError("the peer's sanlock did not start")
    }
}
#endif
