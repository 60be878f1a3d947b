import Glibc
import LVMWire

/// The requests of a workload, in the words and with the fields that lvm's commands use.
enum Requests {
    static let volumeGroup = "bench"
    private static let arguments = "1.0.0:bench"

    static var start: ClientRequest {
        ClientRequest(
            "start_vg",
            [
                "cmd": "vgchange", "pid": .integer(Int64(getpid())),
                "vg_name": .string(self.volumeGroup), "vg_lock_type": "dlm",
                "vg_lock_args": .string(self.arguments),
                "vg_uuid": "4nkAH9-OpD1-opzy-flVI-skvx-cc0d-11k8bQ", "version": 1, "host_id": 0,
                "opts": "start_init",
            ])
    }

    /// Requests that are refused as long as a lockspace is starting.
    static let probes = [Self.group("sh"), Self.group("un"), Self.global("sh"), Self.global("un")]

    /// What a client sends in turn.
    static func cycle(_ workload: Workload, client: Int) -> [ClientRequest] {
        let mode = workload.clients == 1 ? "ex" : "sh"
        switch workload.kind {
        case .lv:
            let volume = "c\(client)"
            return ["ex", "un"].map { self.volume(volume, $0, options: "persistent") }
        case .one:
            return ["ex", "un"].map { self.volume("one", $0, options: "none") }
        case .vg:
            return [mode, "un"].map { self.group($0) }
        case .gl:
            return [mode, "un"].map { self.global($0) }
        case .leased:
            return []  // It takes what the daemon says of its leases: see LeasedGroup.
        }
    }

    /// Takes a lock that stays.
    static func hold(_ number: Int) -> ClientRequest {
        self.volume("h\(number)", "ex", options: "persistent")
    }

    private static func volume(_ name: String, _ mode: String, options: String) -> ClientRequest {
        var request = self.common("lock_lv", mode, options: options)
        request.add("vg_name", .string(self.volumeGroup))
        request.add("lv_name", .string(name))
        request.add("lv_uuid", .string(self.uuid(name)))
        request.add("vg_lock_type", "dlm")
        request.add("vg_lock_args", .string(self.arguments))
        request.add("lv_lock_args", "dlm")
        return request
    }

    static func group(_ mode: String, of name: String = volumeGroup) -> ClientRequest {
        var request = self.common("lock_vg", mode, options: "none")
        request.add("vg_name", .string(name))
        request.add("vg_lock_type", "none")
        request.add("vg_lock_args", "none")
        return request
    }

    private static func global(_ mode: String) -> ClientRequest {
        var request = self.common("lock_gl", mode, options: "none")
        request.add("vg_lock_type", "none")
        return request
    }

    static func common(_ name: String, _ mode: String, options: String) -> ClientRequest {
        ClientRequest(
            name,
            [
                "cmd": "lvchange", "pid": .integer(Int64(getpid())), "mode": .string(mode),
                "opts": .string(options),
            ])
    }

    /// As long as LVM's UUIDs, and with their dashes.
    static func uuid(_ name: String) -> String {
        let padding = String(repeating: "0", count: max(0, 32 - name.count)) + name
        var uuid = ""
        for (index, character) in padding.enumerated() {
            if index >= 6, index <= 26, (index - 6) % 4 == 0 { uuid.append("-") }
            uuid.append(character)
        }
        return uuid
    }
}
