import LockCore

/// One thing that a script lets happen. Steps mean something without those before them, so that any
/// of them can be left out.
struct Step: Hashable {
    /// How long after the step before.
    var pause: Duration
    /// Which host, counted from 1.
    var host: UInt64
    var what: What

    enum What: Hashable {
        /// A client, counted from 0, asks for something.
        case ask(Int, Action.Operation, Action.Options)
        /// A client's connection ends.
        case vanish(Int)
        /// What a client waits for is not wanted any more.
        case withdraw(Int)
        /// A client never got the reply about a logical volume.
        case loseReply(Int, Action.Target)
        /// The host stops, and what it held passes to others after a while.
        case crash
        /// The host loses its lockspace.
        case loseMembership
        /// A value block is lost.
        case loseValueBlock(Resource.Name)
    }
}

extension Step: CustomStringConvertible {
    var description: String {
        let time = self.pause == .zero ? "" : "after \(self.pause.milliseconds) ms, "
        switch self.what {
        case .ask(let client, let operation, let options):
            return "\(time)host \(self.host): \(Self.letter(client)) asks \(operation.words)"
                + Self.words(options)
        case .vanish(let client):
            return "\(time)host \(self.host): \(Self.letter(client)) vanishes"
        case .withdraw(let client):
            return "\(time)host \(self.host): \(Self.letter(client)) withdraws"
        case .loseReply(let client, let target):
            return "\(time)host \(self.host): \(Self.letter(client)) got no reply about "
                + "\(target.name)"
        case .crash: return "\(time)host \(self.host) crashes"
        case .loseMembership: return "\(time)host \(self.host) loses its lockspaces"
        case .loseValueBlock(let name): return "\(time)the value block of \(name) is lost"
        }
    }

    static func letter(_ client: Int) -> String {
        String(UnicodeScalar(UInt8(65 + client % 26)))
    }

    private static func words(_ options: Action.Options) -> String {
        var words = ""
        if options.contains(.persistent) { words += " persistent" }
        if options.contains(.unlockCancel) { words += " cancel" }
        if options.contains(.force) { words += " force" }
        return words
    }
}

extension Action.Operation {
    var words: String {
        switch self {
        case .lock(let target, let mode, let waiting):
            "lock \(target.name) \(mode)" + (waiting.queues ? "" : " at once")
        case .unlock(let target): "unlock \(target.name)"
        case .start: "start"
        case .freeLogicalVolume(let volume): "free \(volume.uuid)"
        case .queryLock(let target): "query \(target.name)"
        default: "\(self)"
        }
    }
}

extension Duration {
    var milliseconds: Int {
        let (seconds, attoseconds) = self.components
        return Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
