import LockCore

/// Performs transcripts on a ``LockspaceMachine``.
///
/// After what a command made the machine want (`ask …` the lock manager, `A: …` a reply to client
/// A, `wake …`), lines with `=` show every state that changed. A word that is neither `gl` nor `vg`
/// names a logical volume.
struct LockspaceStage: Transcript.Stage {
    private var bench = LockspaceBench()
    private var shown: [String: String] = [:]

    mutating func perform(_ command: Transcript.Command) throws -> [String] {
        if command.verb == "show" {
            self.shown = [:]
            return self.changes()
        }
        var words: [String]?
        words = try self.lifecycle(command)
        words = try words ?? self.request(command)
        words = try words ?? self.answer(command)
        guard let words else { throw Transcript.Failure("no such command: \(command.verb)") }
        return words + self.changes()
    }

    private mutating func lifecycle(_ command: Transcript.Command) throws -> [String]? {
        switch command.verb {
        case "lockspace":
            self.bench = LockspaceBench(
                queues: command.has("queues"), leases: command.has("leases"))
            self.bench.wording.hasMessages = true
            if command.has("started") {
                self.bench.start(nil)
                self.bench.prepared()
                self.bench.joined()
            }
            return []
        case "start":
            let client = command.words.first { $0 != "wait" }
            return self.bench.start(client, waits: command.has("wait"))
        case "prepared":
            return self.bench.prepared(
                generation: try command.number("generation") ?? 0,
                carriesGlobalLock: command.has("gl"))
        case "prepare-failed": return self.bench.prepareFailed(try Self.code(command.word(0)))
        case "joined": return self.bench.joined()
        case "join-failed": return self.bench.joinFailed(try Self.code(command.word(0)))
        case "left": return self.bench.left(try command.words.first.map { try Self.code($0) })
        case "membership-lost": return self.bench.membershipLost()
        case "time": return self.bench.time(try Self.duration(command.word(0)))
        default: return nil
        }
    }

    private mutating func request(_ command: Transcript.Command) throws -> [String]? {
        switch command.verb {
        case "lock":
            let target = try Self.target(command.word(1))
            return self.bench.lock(
                try command.word(0), target, try Self.mode(command.word(2)),
                Self.options(command), waiting: try Self.waiting(command, target),
                waitsForStart: command.has("early"))
        case "unlock":
            return self.bench.unlock(
                try command.word(0), try Self.target(command.word(1)), Self.options(command))
        case "update":
            let version = UInt32(try command.number("version") ?? 0)
            return self.bench.send(
                try command.word(0), .update(version: version),
                command.has("next") ? .nextVersion : [])
        case "query":
            return self.bench.send(
                try command.word(0), .queryLock(try Self.target(command.word(1))))
        case "free":
            let volume = LogicalVolume(uuid: try command.word(1))
            return self.bench.send(try command.word(0), .freeLogicalVolume(volume))
        case "stop", "kill", "drop", "busy", "free-vg", "rename", "enable-gl", "disable-gl":
            return self.bench.send(
                try command.word(0), try Self.management(command.verb), Self.options(command))
        case "vanish": return self.bench.vanish(try command.word(0))
        case "reply-lost":
            return self.bench.replyLost(try command.word(0), try Self.name(command.word(1)))
        case "withdraw":
            let client = try command.word(0)
            let last = self.bench.wording.clients.filter { $0.value == client }.keys
                .map(\.rawValue).max()
            return self.bench.withdraw(client, try Self.name(command.word(1)), action: last)
        default: return nil
        }
    }

    private mutating func answer(_ command: Transcript.Command) throws -> [String]? {
        switch command.verb {
        case "granted":
            var value = ValueBlockReading.unknown
            if let version = try command.number("version") {
                let flags: ValueBlock.Flags = command.has("removed") ? .removed : []
                value = .value(
                    ValueBlock(
                        format: version == 0 ? 0 : ValueBlock.currentFormat, flags: flags,
                        resourceVersion: UInt32(version)))
            }
            return self.bench.granted(
                try Self.name(command.word(0)), value, token: try command.number("token"))
        case "contended":
            return self.bench.contended(
                try Self.name(command.word(0)), owner: try command.number("owner"),
                isPassing: command.has("passing"))
        case "failed":
            return self.bench.failed(
                try Self.name(command.word(0)), try Self.code(command.word(1)),
                hold: command.has("unknown") ? .unknown : .unchanged)
        case "released", "forgotten", "done":
            let code = command.words.dropFirst().first
            return self.bench.done(
                try Self.name(command.word(0)), try code.map { try Self.code($0) })
        case "hosts":
            let word = try command.word(0)
            let hosts: OtherHosts =
                word == "unknown" ? .unknown : Int(word).map { .count($0) } ?? .none
            return self.bench.hosts(.success(hosts))
        case "wanted":
            return self.bench.wanted(
                try Self.name(command.word(0)), grant: try command.number("grant") ?? 1)
        default: return nil
        }
    }

    // MARK: State

    /// The states that differ from those shown last.
    private mutating func changes() -> [String] {
        let machine = self.bench.machine
        var states = ["lockspace": "\(machine.state)"]
        if machine.isStopping { states["lockspace"]? += ", stopping" }
        if machine.isKilled { states["lockspace"]? += ", killed" }
        let resources = machine.resources.values.sorted { $0.order < $1.order }
        for resource in resources { states[resource.name.word] = Wording.words(resource) }
        let gone = self.shown.keys.filter { states[$0] == nil }.sorted()
        let names = ["lockspace"] + resources.map(\.name.word)
        let lines =
            names.filter { states[$0] != self.shown[$0] }.map { "= \($0): \(states[$0] ?? "")" }
            + gone.map { "= \($0): forgotten" }
        self.shown = states
        return lines
    }

    // MARK: Words

    private static func name(_ word: String) throws -> Resource.Name { try self.target(word).name }

    private static func target(_ word: String) throws -> Action.Target {
        switch word {
        case "gl": .global
        case "vg": .volumeGroup
        default: .lv(word)
        }
    }

    private static func mode(_ word: String) throws -> LockMode {
        guard let mode = LockMode.allCases.first(where: { $0.word == word }) else {
            throw Transcript.Failure("no such mode: \(word)")
        }
        return mode
    }

    private static func code(_ word: String) throws -> LockErrorCode {
        guard let code = LockErrorCode.allCases.first(where: { $0.description == word }) else {
            throw Transcript.Failure("no such error: \(word)")
        }
        return code
    }

    private static func management(_ verb: String) throws -> Action.Operation {
        switch verb {
        case "stop": .stop
        case "kill": .kill
        case "drop": .drop
        case "busy": .busy
        case "free-vg": .freeVolumeGroup
        case "rename": .renameBefore
        case "enable-gl": .enableGlobalLock
        case "disable-gl": .disableGlobalLock
        default: throw Transcript.Failure("no such request: \(verb)")
        }
    }

    private static func options(_ command: Transcript.Command) -> Action.Options {
        let all: [String: Action.Options] = [
            "persistent": .persistent, "cancel": .unlockCancel, "force": .force,
            "adopt": .adopt, "adopt-only": .adoptOnly, "exclusively": .exclusively,
        ]
        return all.filter { command.has($0.key) }.values.reduce([]) { $0.union($1) }
    }

    private static func waiting(
        _ command: Transcript.Command, _ target: Action.Target
    ) throws -> Waiting {
        var waiting = Waiting.forever
        if let retries = try command.number("retries").map({ Int($0) }) {
            if case .logicalVolume = target {
                waiting = .passingConflicts(retries: retries)
            } else {
                waiting = .retries(retries)
            }
        }
        if command.has("at-once") { waiting = .no }
        waiting.deadline = try command.options["until"].map { try self.duration($0) }
        return waiting
    }

    /// Reads times such as `100ms` and `2s`.
    private static func duration(_ word: String) throws -> Duration {
        if word.hasSuffix("ms"), let number = Int(word.dropLast(2)) { return .milliseconds(number) }
        if word.hasSuffix("s"), let number = Int(word.dropLast()) { return .seconds(number) }
        throw Transcript.Failure("no such time: \(word)")
    }
}
