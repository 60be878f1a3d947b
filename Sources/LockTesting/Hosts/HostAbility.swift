/// Something that can be done to hosts, and that some rules need.
public enum HostAbility: String, Hashable, Sendable, CaseIterable {
    /// A host's process can be ended and started again.
    case restart = "restart a host's process"
    /// A host's machine can be stopped, and what it held passes to others after a while.
    case crash = "crash a host"
    /// A host can be separated from the others.
    case cutOff = "cut off a host"
    /// A host can be made to lose a lockspace, which its manager reports.
    case loss = "take a lockspace from a host"
    /// A call can be made to fail.
    case failures = "make a call fail"
    /// A call can be made to take long.
    case delays = "make a call take long"
}

/// A call that a fault can strike.
public enum HostCall: String, Hashable, Sendable, CaseIterable {
    /// `acquire(_:_:_:)`.
    case acquire
    /// `convert(_:to:writing:)`.
    case convert
    /// `release(_:writing:)`.
    case release
}

/// What goes wrong in one call of a lock manager. How the manager learns of it is the world's
/// matter: by bytes that are lost, by storage that returns errors, by a switch in the manager.
public enum HostFault: Hashable, Sendable {
    /// The call fails without effect, and the manager knows that.
    case fails
    /// The answer from below is lost: the manager cannot know whether the call took effect.
    case answerIsLost
    /// The call takes so much longer.
    case delay(Duration)
}

/// The hosts could not be brought into the state that a rule asked for. That is nobody's breach of
/// the contract, but the rule has not been checked.
public struct FixtureError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done.
    public var doing: String
    /// What went wrong.
    public var reason: String

    /// Describes a failure.
    public init(_ doing: String, _ reason: String) {
        self.doing = doing
        self.reason = reason
    }

    /// Both in one line.
    public var description: String { "could not \(self.doing): \(self.reason)" }
}
