public import LockCore

/// Replies as bytes, each a whole frame.
///
/// Fields stand in the order of lvm2 2.03.40, whose replies have some that 2.03.16 does not know
/// and ignores.
public enum Response {
    /// Room for any reply but the rarest, so that an ordinary one allocates once.
    private static let usualBytes = 192

    /// The answer to an action, or to a refused request, as the reply to `operation`.
    public static func encode(_ reply: Reply, to operation: OperationNumber) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.usualBytes)
        self.append(reply, to: operation, into: &bytes)
        return bytes
    }

    /// The answer to an action.
    public static func encode(_ reply: Reply, to action: Action) -> [UInt8] {
        self.encode(reply, to: OperationNumber(action.operation))
    }

    /// Adds an answer to bytes that are about to be sent.
    public static func append(
        _ reply: Reply, to operation: OperationNumber, into bytes: inout [UInt8]
    ) {
        bytes.append("response = \"OK\"\n")
        switch operation {
        case .hello, .quit: self.appendGreeting(self.result(reply), &bytes)
        case .initialise, .setArgumentsFinal: self.appendArguments(reply, operation, &bytes)
        case .queryLock: self.appendMode(reply, operation, &bytes)
        case .setRemoteLock: self.appendShort(reply, operation, &bytes)
        case .dumpInfo, .dumpLog: self.appendDump(0, self.result(reply), &bytes)
        case .volumeGroupStatus: self.appendStatus(reply, operation, &bytes)
        default: self.appendOrdinary(reply, operation, &bytes)
        }
        bytes.append("\n##\n")
    }

    /// The answer to `hello`.
    public static func hello() -> [UInt8] {
        self.encode(.done, to: .hello)
    }

    /// The answer to `info` and `dump`: so many bytes follow through the datagram socket.
    public static func dump(bytes count: Int, result: ResultCode = .done) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append("response = \"OK\"\n")
        self.appendDump(count, Int64(result.rawValue), &bytes)
        bytes.append("\n##\n")
        return bytes
    }

    /// The answer to what is no request. Upstream sends none and lets the client wait.
    public static func failed(_ error: WireError) -> [UInt8] {
        self.failed(error.description, operation: error.operation)
    }

    /// The answer to a request that could not be passed on, with the reason in a sentence.
    public static func failed(
        _ reason: String, operation: OperationNumber? = nil, result: ResultCode = .invalid
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append("response = \"failed\"\n")
        bytes.appendField("reason", reason)
        if let operation {
            bytes.appendField("op", operation.rawValue)
            bytes.appendField("op_result", result.rawValue)
        }
        bytes.append("\n##\n")
        return bytes
    }
}

// MARK: Forms

extension Response {
    /// `op_result`: an error's number, or what some operations answer instead of 0.
    private static func result(_ reply: Reply) -> Int64 {
        if let error = reply.error { return Int64(ResultCode(error).rawValue) }
        switch reply.content {
        case .lockspacesLeft(let count): return Int64(count)
        case .manager(let kind):
            // To LVM, a lock manager that it has no number for is none at all.
            guard let number = LockTypeNumber(kind) else {
                return Int64(ResultCode(.noManagerRunning).rawValue)
            }
            return Int64(number.rawValue)
        case .nothing, .granted, .host, .arguments, .mode, .previousGeneration: return 0
        }
    }

    private static func appendOrdinary(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        self.appendStart(reply, operation, &bytes)
        switch reply.content {
        case .host(let owner) where operation == .lock && owner.id != 0:
            self.appendHost(owner, name: owner.name, &bytes)
            self.appendFlags(reply, &bytes)
        case .previousGeneration(let generation) where operation == .start && generation != 0:
            bytes.appendField("prev_generation", generation)
            self.appendFlags(reply, &bytes)
        default:
            self.appendFlags(reply, &bytes)
            bytes.appendField("ls_generation", reply.generation)
        }
    }

    private static func appendStatus(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        self.appendStart(reply, operation, &bytes)
        var host: Host?
        if case .host(let known) = reply.content { host = known }
        self.appendHost(host, name: "", &bytes)
        self.appendFlags(reply, &bytes)
    }

    private static func appendArguments(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        bytes.appendField("op", operation.rawValue)
        self.appendResults(reply, &bytes)
        var arguments = (volumeGroup: "", logicalVolume: "")
        if case .arguments(let group, let volume) = reply.content { arguments = (group, volume) }
        bytes.appendField("vg_lock_args", arguments.volumeGroup)
        bytes.appendField("lv_lock_args", arguments.logicalVolume)
        self.appendFlags(reply, &bytes)
    }

    private static func appendMode(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        self.appendShort(reply, operation, &bytes)
        bytes.appendField("lock_type", reply.kind?.rawValue ?? "")
        // `iv` is upstream's word for a mode that nobody set.
        var mode = reply.error == nil ? "un" : "iv"
        if case .mode(let known) = reply.content { mode = known.word }
        bytes.appendField("mode", mode)
    }

    private static func appendShort(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        bytes.appendField("op", operation.rawValue)
        bytes.appendField("op_result", self.result(reply))
    }

    private static func appendGreeting(_ result: Int64, _ bytes: inout [UInt8]) {
        bytes.appendField("result", result)
        bytes.append("protocol = \"lvmlockd\"\nversion = 1\n")
    }

    private static func appendDump(_ count: Int, _ result: Int64, _ bytes: inout [UInt8]) {
        bytes.appendField("result", result)
        bytes.appendField("dump_len", count)
    }

    // MARK: Parts

    private static func appendStart(
        _ reply: Reply, _ operation: OperationNumber, _ bytes: inout [UInt8]
    ) {
        bytes.appendField("op", operation.rawValue)
        bytes.appendField("lock_type", reply.kind?.rawValue ?? "")
        self.appendResults(reply, &bytes)
    }

    private static func appendResults(_ reply: Reply, _ bytes: inout [UInt8]) {
        bytes.appendField("op_result", self.result(reply))
        var fromManager = ResultCode.done
        if reply.isFromManager, let error = reply.error { fromManager = .fromManager(error) }
        bytes.appendField("lm_result", fromManager.rawValue)
    }

    private static func appendHost(_ host: Host?, name: String, _ bytes: inout [UInt8]) {
        bytes.appendField("owner_host_id", host?.id ?? 0)
        bytes.appendField("owner_generation", host?.generation ?? 0)
        bytes.appendField("owner_timestamp", host?.timestamp ?? 0)
        bytes.appendField("owner_state", host?.state.rawValue ?? "")
        bytes.appendField("owner_name", name)
    }

    private static func appendFlags(_ reply: Reply, _ bytes: inout [UInt8]) {
        bytes.append("result_flags = \"")
        if reply.notes.isEmpty {
            bytes.append("none")
        } else {
            reply.notes.appendFlags(to: &bytes)
        }
        bytes.append("\"\n")
    }
}
