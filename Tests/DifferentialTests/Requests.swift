import DaemonHarness

/// Writes the requests of a sequence as lvm would.
struct Requests {
    let kind: Kind

    func lock(
        _ target: LockTarget, _ mode: String, options: String = "none", namesType: Bool = false,
        client: Int
    ) -> Step {
        var fields: [Message.Field] = [
            .init("cmd", "test"), .init("pid", "1"), .init("mode", mode), .init("opts", options),
        ]
        let name: String
        switch target {
        case .global:
            name = "lock_gl"
            fields.append(.init("vg_lock_type", namesType ? self.kind.rawValue : "none"))
        case .volumeGroup(let volumeGroup):
            name = "lock_vg"
            fields += [
                .init("vg_name", volumeGroup), .init("vg_lock_type", "none"),
                .init("vg_lock_args", "none"),
            ]
        case .logicalVolume(let volumeGroup, let number):
            name = "lock_lv"
            fields += self.volumeFields(volumeGroup, number)
        }
        var step = self.step(name, fields, client)
        step.lock = Step.Lock(
            target: target, mode: mode, persistent: options.contains("persistent"),
            cancels: options.contains("unlock_cancel"))
        return step
    }

    func start(_ volumeGroup: String, version: Int, client: Int) -> Step {
        self.step(
            "start_vg",
            [.init("pid", "1")] + self.groupFields(volumeGroup) + [
                .init("vg_uuid", "uuid-of-\(volumeGroup)"), .init("version", "\(version)"),
                .init("host_id", "1"), .init("opts", "none"),
            ], client)
    }

    /// Without a version, the next one.
    func update(_ volumeGroup: String, version: Int?, client: Int) -> Step {
        let last = version.map { Message.Field("version", "\($0)") }
        return self.step(
            "vg_update",
            [
                .init("pid", "1"), .init("vg_name", volumeGroup),
                last ?? .init("opts", "next_version"),
            ], client)
    }

    /// A request about a logical volume.
    func volume(_ name: String, _ target: LockTarget, client: Int) -> Step {
        guard case .logicalVolume(let volumeGroup, let number) = target else {
            preconditionFailure("\(target) is not a logical volume")
        }
        return self.step(
            name, [.init("pid", "1")] + self.volumeFields(volumeGroup, number), client)
    }

    /// A request about a volume group.
    func group(_ name: String, _ volumeGroup: String, client: Int) -> Step {
        // lvmlockctl, which sends these, knows no lock type.
        let short = ["stop_vg", "kill_vg", "drop_vg", "query_lock_vg", "enable_gl", "disable_gl"]
        let fields =
            short.contains(name)
            ? [Message.Field("vg_name", volumeGroup)] : self.groupFields(volumeGroup)
        return self.step(name, [.init("pid", "1")] + fields, client)
    }

    private func groupFields(_ volumeGroup: String) -> [Message.Field] {
        [
            .init("vg_name", volumeGroup), .init("vg_lock_type", self.kind.rawValue),
            .init("vg_lock_args", self.groupArguments),
        ]
    }

    private func volumeFields(_ volumeGroup: String, _ number: Int) -> [Message.Field] {
        // Leases begin at 65 MiB of a sanlock group's lease volume, a MiB each.
        let offset = (65 + number) << 20
        return [
            .init("vg_name", volumeGroup), .init("lv_name", "lv\(number)"),
            .init("lv_uuid", "uuid-\(volumeGroup)-lv\(number)"),
            .init("vg_lock_type", self.kind.rawValue),
            .init("vg_lock_args", self.groupArguments),
            .init("lv_lock_args", self.kind == .dlm ? "dlm" : "1.0.0:\(offset)"),
        ]
    }

    private var groupArguments: String {
        self.kind == .dlm ? "1.0.0:test" : "1.0.0:lvmlock"
    }

    private func step(_ name: String, _ fields: [Message.Field], _ client: Int) -> Step {
        Step(client: client, action: .request(Message([.init("request", name)] + fields)))
    }
}
