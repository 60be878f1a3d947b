import DaemonHarness
import LockInMemory

/// Chooses what the clients do next, from a seed and what the first daemon has answered so far.
///
/// A client asks for locks in one order, and gives up later ones first, so that every wait ends.
struct SequenceGenerator {
    static let clients = 4
    static let volumeGroups = ["vg0", "vg1"]
    /// A volume group that is never started.
    private static let unknownVolumeGroup = "vg9"
    private static let logicalVolumes = 2

    private let requests: Requests
    private var random: SeededRandom
    /// In most sequences the first volume group stays up, and with it the global lock.
    private let firstStays: Bool
    private var begun = 0
    private var started: Set<String> = []
    /// The transient locks that each client holds.
    private var held = [Set<LockTarget>](repeating: [], count: clients)
    /// What each waiting client asked for.
    private var waiting: [Int: Step] = [:]
    private var version = 1

    init(kind: Kind, seed: UInt64) {
        self.requests = Requests(kind: kind)
        self.random = SeededRandom(seed: seed)
        self.firstStays = self.random.percent(75)
    }

    /// The next step, or nil when every client waits.
    mutating func next() -> Step? {
        if self.begun < Self.volumeGroups.count {
            self.begun += 1
            return self.start(Self.volumeGroups[self.begun - 1], client: 0)
        }
        let idle = (0..<Self.clients).filter { self.waiting[$0] == nil }
        guard let client = idle.randomElement(using: &self.random) else { return nil }
        if self.random.percent(30), let cancelling = self.cancel(client: client) {
            return cancelling
        }
        let volumeGroup = self.random.pick([
            (70, Self.volumeGroups[0]), (28, Self.volumeGroups[1]), (2, Self.unknownVolumeGroup),
        ])
        let known = volumeGroup != Self.unknownVolumeGroup
        if known, !self.started.contains(volumeGroup), self.random.percent(30) {
            return self.start(volumeGroup, client: client)
        }
        return self.random.percent(75)
            ? self.lock(client: client, volumeGroup: volumeGroup)
            : self.other(client: client, volumeGroup: volumeGroup)
    }

    /// Keeps account of who holds and who waits.
    mutating func learn(_ outcome: Outcome) {
        let client = outcome.step.client
        switch outcome.answer {
        case .reply(let reply): self.learn(outcome.step, reply)
        case .waits: self.waiting[client] = outcome.step
        case .closed: self.held[client] = []
        case .missing: break
        }
        for (client, reply) in outcome.lateReplies {
            guard let step = self.waiting.removeValue(forKey: client) else { continue }
            self.learn(step, reply)
        }
    }

    private mutating func learn(_ step: Step, _ reply: Message) {
        if let asked = step.lock, asked.mode == "un", !asked.persistent {
            self.held[step.client].remove(asked.target)
        }
        guard reply["op_result"] == "0" else { return }
        if let asked = step.lock, asked.mode != "un", !asked.persistent {
            self.held[step.client].insert(asked.target)
        } else if step.movesLockspace {
            let volumeGroup = step["vg_name"] ?? ""
            self.started.remove(volumeGroup)
            if step.name == "start_vg" { self.started.insert(volumeGroup) }
            for client in self.held.indices {
                self.held[client] = self.held[client].filter { $0.volumeGroup != volumeGroup }
            }
        }
    }

    // MARK: Locks

    private mutating func lock(client: Int, volumeGroup: String) -> Step {
        if self.random.percent(18), let target = self.held[client].max() {
            return self.requests.lock(target, "un", client: client)
        }
        let target = self.random.pick([
            (15, LockTarget.global), (30, .volumeGroup(volumeGroup)),
            (55, self.logicalVolume(of: volumeGroup)),
        ])
        let mode = self.random.pick([(6, "un"), (42, "sh"), (50, "ex"), (2, "nl")])
        return self.request(target, mode, client: client)
    }

    /// Asks for the lock, or first gives up one that comes later in the order.
    private mutating func request(_ target: LockTarget, _ mode: String, client: Int) -> Step {
        if let last = self.held[client].max(), last > target {
            return self.requests.lock(last, "un", client: client)
        }
        let persistent = self.random.percent(target.isLogicalVolume ? 40 : 4)
        let type = target == .global && self.random.percent(30)
        return self.requests.lock(
            target, mode, options: persistent ? "persistent" : "none", namesType: type,
            client: client)
    }

    /// Cancels a persistent request that another client waits with, if there is one.
    private func cancel(client: Int) -> Step? {
        let asked = self.waiting.sorted { $0.key < $1.key }.compactMap(\.value.lock)
        guard let first = asked.first(where: \.persistent) else { return nil }
        return self.requests.lock(
            first.target, "un", options: "persistent,unlock_cancel", client: client)
    }

    private mutating func logicalVolume(of volumeGroup: String) -> LockTarget {
        .logicalVolume(
            volumeGroup, Int.random(in: 0..<Self.logicalVolumes, using: &self.random))
    }

    // MARK: Everything else

    private mutating func other(client: Int, volumeGroup: String) -> Step {
        let name = self.random.pick([
            (22, "vg_update"), (18, "query_lock_lv"), (8, "query_lock_vg"), (12, "close"),
            (1, "free_lv"), (4, "init_lv"), (6, "stop_vg"), (2, "start_vg"), (2, "busy_vg"),
            (1, "kill_vg"), (3, "drop_vg"), (1, "rename_vg_before"), (1, "free_vg"),
            (2, "enable_gl"), (2, "disable_gl"), (2, "running_lm"),
        ])
        switch name {
        case "close":
            return Step(client: client, action: .close)
        case "vg_update":
            return self.update(client: client, volumeGroup: volumeGroup)
        case "query_lock_lv", "free_lv", "init_lv":
            return self.requests.volume(
                name, self.logicalVolume(of: volumeGroup), client: client)
        case "start_vg":
            return self.start(volumeGroup, client: client)
        case "stop_vg", "kill_vg", "drop_vg", "rename_vg_before", "free_vg":
            let stays = self.firstStays && volumeGroup == Self.volumeGroups[0]
            return self.requests.group(stays ? "busy_vg" : name, volumeGroup, client: client)
        default:
            return self.requests.group(name, volumeGroup, client: client)
        }
    }

    private mutating func start(_ volumeGroup: String, client: Int) -> Step {
        guard volumeGroup != Self.unknownVolumeGroup else {
            return self.requests.group("query_lock_vg", volumeGroup, client: client)
        }
        return self.requests.start(volumeGroup, version: self.version, client: client)
    }

    private mutating func update(client: Int, volumeGroup: String) -> Step {
        let target = LockTarget.volumeGroup(volumeGroup)
        if !self.held[client].contains(target), self.random.percent(80) {
            return self.request(target, "ex", client: client)
        }
        self.version += 1
        return self.requests.update(
            volumeGroup, version: self.random.percent(30) ? nil : self.version, client: client)
    }
}
