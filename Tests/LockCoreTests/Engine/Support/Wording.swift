import LockCore

/// Puts effects and states into the words that tests and transcripts compare.
struct Wording {
    /// Who sent an action.
    var clients: [ActionID: String] = [:]
    /// Adds the sentences that explain errors.
    var hasMessages = false

    func words(_ effects: [Effect]) -> [String] {
        effects.map { self.words($0) }
    }

    func words(_ effect: Effect) -> String {
        switch effect {
        case .reply(let id, let reply):
            "\(self.clients[id] ?? "action \(id.rawValue)"): \(self.words(reply))"
        case .ask(let name, let call): "ask \(name.word) \(Self.words(call))"
        case .cancelAcquire(let name): "cancel \(name.word)"
        case .wake(let name, let time): "wake \(name.word) at \(time.words)"
        case .lost(let client): "tell \(client.letter): lost"
        case .wanted(let client): "tell \(client.letter): wanted"
        case .askLockspace(let call): "ask \(Self.words(call))"
        case .became(let milestone): "became \(Self.words(milestone))"
        case .globalLock(let enabled): "global lock \(enabled ? "enabled" : "disabled")"
        }
    }

    private func words(_ reply: Reply) -> String {
        var words = reply.error.map(\.description) ?? ""
        switch reply.content {
        case .nothing: if reply.error == nil { words = "done" }
        case .granted(let value, let token):
            words += words.isEmpty ? "granted" : ", but granted"
            if value != .unknown { words += ", \(value.words)" }
            if let token { words += ", token \(token.rawValue)" }
        case .mode(let mode): words = mode.word
        case .host(let host): words += " by host \(host.id)"
        case .previousGeneration(let generation): words = "done, generation was \(generation)"
        case .lockspacesLeft, .arguments, .manager: words = "\(reply.content)"
        }
        if reply.notes.contains(.sharedLockExists) { words += ", sharedLockExists" }
        if reply.notes.contains(.hostsUnknown) { words += ", hostsUnknown" }
        if self.hasMessages, !reply.message.isEmpty { words += " (\(reply.message))" }
        return words
    }

    private static func words(_ call: ResourceCall) -> String {
        switch call {
        case .acquire(let mode, let options, let arguments, let drives):
            var words = "acquire \(mode.word)"
            if options.waiting { words += " waiting" }
            if options.adopting != .none { words += " adopting \(options.adopting)" }
            if options.repairing { words += " repairing" }
            if !arguments.isEmpty { words += " arguments \(arguments)" }
            if !drives.isEmpty { words += " drives \(drives.joined(separator: " "))" }
            return words
        case .convert(let mode, let value): return "convert \(mode.word)\(Self.writing(value))"
        case .release(let value): return "release\(Self.writing(value))"
        case .forget: return "forget"
        case .freeLease(let arguments): return "free lease \(arguments)"
        case .setGlobalLock(let enabled, let exclusively):
            return (enabled ? "enable" : "disable") + (exclusively ? " exclusively" : "")
        case .simulateRemoteHolder(let mode): return "simulate \(mode.word)"
        }
    }

    private static func writing(_ value: ValueBlock?) -> String {
        guard let value else { return "" }
        let flag = value.flags.contains(.removed) ? " removed" : ""
        return " writing \(value.resourceVersion)\(flag)"
    }

    private static func words(_ call: LockspaceCall) -> String {
        switch call {
        case .prepare: "prepare"
        case .join: "join"
        case .leave(let reason): "leave \(reason)"
        case .otherHosts: "otherHosts"
        case .findFreeLease(let bytes, _): "findFreeLease \(bytes)"
        }
    }

    private static func words(_ milestone: LockspaceMachine.Milestone) -> String {
        switch milestone {
        case .prepared(let prepared):
            "prepared" + (prepared.carriesGlobalLock ? " with the global lock" : "")
        case .started: "started"
        case .failed(let error): "failed: \(error.code)"
        case .stopping: "stopping"
        case .stopped(let reason): "stopped: \(reason)"
        case .unused: "unused"
        }
    }

    /// What the machine knows, such as `ex held by A; waiting: B ex, C sh; releasing`.
    static func words(_ machine: ResourceMachine) -> String {
        var parts = [machine.hold == .unlocked ? "free" : "\(machine.hold.word) held"]
        let owners = machine.locks.map { $0.owner?.letter ?? "nobody (persistent)" }
        if !owners.isEmpty { parts[0] += " by \(owners.joined(separator: ", "))" }
        let waiting = machine.waiting.map {
            "\($0.client.letter) \($0.mode.word)\($0.isPersistent ? " persistent" : "")"
        }
        if !waiting.isEmpty { parts.append("waiting: \(waiting.joined(separator: ", "))") }
        switch machine.state {
        case .idle: break
        case .acquiring(let mode, for: let id):
            parts.append("acquiring \(mode.word)\(id == nil ? " for nobody" : "")")
        case .converting(_, owner: _, to: let mode): parts.append("converting to \(mode.word)")
        case .releasing: parts.append("releasing")
        case .forgetting: parts.append("forgetting")
        case .asking: parts.append("asking")
        }
        return parts.joined(separator: "; ")
    }
}

extension Client.ID {
    /// Tests name their clients A to Z.
    init(letter: String) {
        let scalar = letter.unicodeScalars.first?.value ?? 64
        precondition((65...90).contains(scalar), "clients are called A to Z, not '\(letter)'")
        self.init(scalar - 64)
    }

    var letter: String {
        UnicodeScalar(self.rawValue + 64).map { String(Character($0)) } ?? "client \(self.rawValue)"
    }
}

extension LockMode {
    var word: String {
        switch self {
        case .unlocked: "un"
        case .null: "nl"
        case .shared: "sh"
        case .exclusive: "ex"
        }
    }
}

extension Resource.Name {
    var word: String {
        switch self {
        case .global: "gl"
        case .volumeGroup: "vg"
        case .logicalVolume(let uuid): uuid
        }
    }
}

extension ValueBlockReading {
    var words: String {
        switch self {
        case .value(let block): "version \(block.resourceVersion)"
        case .changed: "changed"
        case .unchanged: "unchanged"
        case .unknown: "unknown"
        }
    }
}

extension Duration {
    var words: String {
        let (seconds, attoseconds) = self.components
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}
