import DaemonHarness
import Foundation
import Testing

/// Real lvm on two hosts of one daemon with the embedded lock manager.
@Suite struct EmbeddedHostsTests {
    @Test func `a volume that one host uses is refused to the other until it is released`()
        async throws
    {
        try await onOwnThread {
            let hosts = try TwoHosts()
            try hosts.expect(
                1, "vgcreate --shared --locktype dlm vg0 /dev/loop1", says: "successfully created")
            try hosts.expect(2, "vgchange --lockstart vg0", says: "VG vg0 starting dlm lockspace")
            try hosts.expect(1, "lvcreate -aey -Zn -Wn -L 16M -n lv0 vg0", says: "created")

            try hosts.expect(2, "lvchange -aey vg0/lv0", refusedWith: refusal)
            try hosts.expect(2, "lvchange -asy vg0/lv0", refusedWith: refusal)
            try hosts.expect(2, "lvextend -L +16M vg0/lv0", refusedWith: refusal)
            try hosts.expect(1, "lvextend -L +16M vg0/lv0", says: "successfully resized")

            try hosts.expect(1, "lvchange -an vg0/lv0")
            try hosts.expect(2, "lvchange -aey vg0/lv0")
            try hosts.expect(1, "lvchange -aey vg0/lv0", refusedWith: refusal)
        }
    }

    @Test func `a volume can be in use on both hosts when both share it`() async throws {
        try await onOwnThread {
            let hosts = try TwoHosts()
            try hosts.expect(
                1, "vgcreate --shared --locktype dlm vg0 /dev/loop1", says: "successfully created")
            try hosts.expect(2, "vgchange --lockstart vg0")
            try hosts.expect(1, "lvcreate -an -Zn -Wn -L 16M -n lv0 vg0", says: "created")
            try hosts.expect(1, "lvchange -asy vg0/lv0")
            try hosts.expect(2, "lvchange -asy vg0/lv0")
            try hosts.expect(2, "lvchange -aey vg0/lv0", refusedWith: refusal)
            try hosts.expect(1, "lvchange -an vg0/lv0")
            try hosts.expect(2, "lvchange -aey vg0/lv0")
        }
    }

    @Test func `a volume group is not removed while the other host takes part in it`()
        async throws
    {
        try await onOwnThread {
            let hosts = try TwoHosts()
            try hosts.expect(
                1, "vgcreate --shared --locktype dlm vg0 /dev/loop1", says: "successfully created")
            try hosts.expect(2, "vgchange --lockstart vg0")
            try hosts.expect(1, "vgremove -y vg0", refusedWith: "Lockspace for \"vg0\" not stopped")
            try hosts.expect(2, "vgchange --lockstop vg0")
            try hosts.expect(1, "vgremove -y vg0", says: "successfully removed")
        }
    }
}

private let refusal = "LV locked by other host: vg0/lv0"

/// One daemon that plays two hosts, and a disk that both see.
private final class TwoHosts: LVMHosts {
    let sandbox: Sandbox
    private let daemon: Daemon

    init() throws {
        self.sandbox = try Sandbox(disk: "256M")
        self.daemon = try Daemon(
            Repository.daemon, ["--embedded", "--hosts", "2"], connects: Self.socket(2),
            in: self.sandbox)
    }

    static func socket(_ host: Int) -> String { "/run/lvm/lvmlockd.socket.\(host)" }
}
