/// Why a caller in this process did not get what it asked of a ``LockService``.
public struct LockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public var code: LockErrorCode
    /// What was asked, what happened, and who is in the way.
    public var message: String
    /// The host that is in the way, where the lock manager knows it.
    public var owner: Host?

    init(_ code: LockErrorCode, message: String) {
        self.code = code
        self.message = message
    }

    init(_ code: LockErrorCode, _ action: Action, _ reply: Reply) {
        self.code = code
        let about = action.volumeGroup.isEmpty ? "" : " in \(action.volumeGroup)"
        let detail = reply.message.isEmpty ? "" : ": \(reply.message)"
        self.message = "\(action.operation.summary)\(about)\(detail)"
        if case .host(let host) = reply.content { self.owner = host }
    }

    /// The message and the code.
    public var description: String { "\(self.message) (\(self.code))" }
}

extension Action.Operation {
    /// A few words for messages.
    var summary: String {
        switch self {
        case .lock(let target, let mode, _): "lock \(target.name) \(mode)"
        case .unlock(let target): "unlock \(target.name)"
        case .start(let lockspace): "start \(lockspace.id)"
        default: "\(self)"
        }
    }
}
