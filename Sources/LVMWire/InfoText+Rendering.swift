import LockCore

extension InfoText {
    /// Buffers of lvmlockctl: bytes of one line with its end and a final zero, and clients.
    static let longestLine = 511
    static let mostClients = 100

    /// The lines, and whether they are all there. Past the limit the text ends with the last whole
    /// line, and the reply's result is ``ResultCode/dumpCut``.
    public func rendered(as form: Form, limit: Int? = nil) -> (bytes: [UInt8], isComplete: Bool) {
        var lines = InfoLines(form: form, limit: min(limit ?? form.limit, form.limit))
        lines.addStructs()
        for client in self.clientsToList() { lines.add(client) }
        for lockspace in self.lockspaces {
            lines.add(lockspace)
            for action in lockspace.actions { lines.add(action, "ls_action") }
            for resource in lockspace.resources {
                lines.add(resource)
                for lock in resource.locks { lines.add(lock) }
                for action in resource.actions { lines.add(action, "r_action") }
            }
        }
        return (lines.bytes, !lines.isFull)
    }

    /// The clients whose numbers the lines below mention, then others while there is room.
    private func clientsToList() -> [Client] {
        guard self.clients.count > Self.mostClients else { return self.clients }
        var mentioned: Set<UInt32> = []
        for lockspace in self.lockspaces {
            for action in lockspace.actions { mentioned.insert(action.clientID) }
            for resource in lockspace.resources {
                for lock in resource.locks { mentioned.insert(lock.owner?.rawValue ?? 0) }
                for action in resource.actions { mentioned.insert(action.clientID) }
            }
        }
        let busy = self.clients.filter { mentioned.contains($0.id) }
        let idle = self.clients.filter { !mentioned.contains($0.id) }
        return Array((busy + idle).prefix(Self.mostClients))
    }
}

/// Lines of the state, up to a limit.
private struct InfoLines {
    let form: InfoText.Form
    let limit: Int
    var bytes: [UInt8] = []
    var isFull = false
    private var lineStart = 0

    init(form: InfoText.Form, limit: Int) {
        self.form = form
        self.limit = limit
    }

    private var isNew: Bool { self.form == .lvm2_03_40 }

    // MARK: Parts of a line

    private mutating func begin(_ kind: StaticString) {
        self.lineStart = self.bytes.count
        self.bytes.append("info=")
        self.bytes.append(kind)
    }

    private mutating func field(_ key: StaticString, _ text: String) {
        self.bytes.append(Byte.space)
        self.bytes.append(key)
        self.bytes.append(Byte.equals)
        // White space would end the value where lvmlockctl reads it.
        for byte in text.utf8 {
            self.bytes.append(byte > Byte.space && byte != Byte.delete ? byte : Byte.underscore)
        }
    }

    private mutating func field<N: BinaryInteger>(_ key: StaticString, _ number: N) {
        self.bytes.append(Byte.space)
        self.bytes.append(key)
        self.bytes.append(Byte.equals)
        self.bytes.appendDecimal(number)
    }

    private mutating func field(_ key: StaticString, _ flag: Bool) {
        self.field(key, flag ? 1 : 0)
    }

    private mutating func field(_ key: StaticString, flags: UInt32) {
        self.field(key, "0x" + String(flags, radix: 16))
    }

    private mutating func end() {
        let excess = self.bytes.count + 1 - self.lineStart - InfoText.longestLine
        if excess > 0 { self.bytes.removeLast(excess) }
        self.bytes.append(Byte.newline)
        guard self.isFull || self.bytes.count > self.limit else { return }
        self.isFull = true
        self.bytes.removeLast(self.bytes.count - self.lineStart)
    }

    // MARK: Lines

    /// Upstream counts the structures that it keeps for later use; here there are none.
    mutating func addStructs() {
        self.begin("structs")
        self.field("unused_action_count", 0)
        self.field("unused_client_count", 0)
        self.field("unused_resource_count", 0)
        self.field("unused_lock_count", 0)
        self.end()
    }

    mutating func add(_ client: InfoText.Client) {
        self.begin("client")
        self.field("pid", client.processID)
        self.field("fd", client.descriptor)
        self.field("pi", 0)
        self.field("id", client.id)
        self.field("name", client.name.isEmpty ? "." : client.name)
        self.end()
    }

    mutating func add(_ lockspace: InfoText.Lockspace) {
        self.begin("ls")
        self.field("ls_name", (lockspace.isStopped ? "REM:" : "") + lockspace.name)
        self.field("vg_name", lockspace.volumeGroup)
        self.field("vg_uuid", lockspace.volumeGroupUUID)
        if !self.isNew { self.field("vg_sysid", ".") }
        self.field("vg_args", lockspace.arguments)
        self.field("lm_type", lockspace.kind?.rawValue ?? "none")
        self.field("host_id", lockspace.hostID)
        if self.isNew { self.field("generation", lockspace.generation) }
        self.field("create_fail", lockspace.hasFailed)
        self.field("create_done", lockspace.hasStarted)
        self.field("thread_work", lockspace.hasWork)
        self.field("thread_stop", lockspace.isStopping)
        self.field("thread_done", lockspace.isStopped)
        self.field("kill_vg", lockspace.isKilled)
        if self.isNew {
            self.field("fence_pr", lockspace.fencesByReservation)
            self.field("no_timeout", lockspace.hasNoTimeout)
        } else {
            self.field("drop_vg", lockspace.isDropped)
        }
        self.field("sanlock_gl_enabled", lockspace.carriesGlobalLock)
        self.end()
    }

    mutating func add(_ action: InfoText.Action, _ kind: StaticString) {
        self.begin(kind)
        self.field("client_id", action.clientID)
        self.field("flags", flags: action.options.upstreamFlags)
        self.field("version", action.version)
        self.field("op", action.operation.word)
        self.field("rt", action.target?.typeWord ?? "")
        self.field("mode", action.mode?.word ?? "iv")
        self.field("lm_type", action.kind?.rawValue ?? "none")
        self.field("result", 0)
        self.field("lm_rv", 0)
        if self.isNew {
            self.field("owner_host_id", action.owner?.id ?? 0)
            self.field("owner_generation", action.owner?.generation ?? 0)
        }
        self.end()
    }

    mutating func add(_ resource: InfoText.Resource) {
        self.begin("r")
        self.field("name", resource.name.description)
        self.field("type", resource.name.typeWord)
        self.field("mode", resource.mode.word)
        self.field("sh_count", resource.locks.count { $0.mode == .shared })
        self.field("version", resource.version)
        self.end()
    }

    mutating func add(_ lock: Lock) {
        self.begin("lk")
        self.field("mode", lock.mode.word)
        self.field("version", lock.version)
        self.field("flags", flags: lock.isPersistent ? Action.Options.persistent.upstreamFlags : 0)
        self.field("client_id", lock.owner?.rawValue ?? 0)
        self.end()
    }
}

extension Resource.Name {
    /// The kind of resource, in two letters.
    fileprivate var typeWord: String {
        switch self {
        case .global: "gl"
        case .volumeGroup: "vg"
        case .logicalVolume: "lv"
        }
    }
}

extension Action.Options {
    /// The options as lvmlockd numbers them (`LD_AF_` values).
    fileprivate var upstreamFlags: UInt32 {
        Self.flags.reduce(0) { self.contains($1.option) ? $0 | $1.flag : $0 }
    }

    private static let flags: [(option: Action.Options, flag: UInt32)] = [
        (.persistent, 0x1), (.unlockCancel, 0x4), (.nextVersion, 0x8), (.wait, 0x10),
        (.force, 0x20), (.exclusively, 0x40), (.enable, 0x80), (.disable, 0x100),
        (.adopt, 0x1_0000), (.adoptOnly, 0x20_0000), (.noDelay, 0x40_0000), (.repair, 0x80_0000),
    ]
}
