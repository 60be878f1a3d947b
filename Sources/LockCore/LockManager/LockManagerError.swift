/// A lock manager could not do what it was asked, for another reason than contention.
public struct LockManagerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, in words that every lock manager shares.
    public var code: LockErrorCode
    /// What became of this host's hold on the resource.
    public var hold: Hold
    /// Who failed.
    public var layer: Layer
    /// What was being done, such as `acquire VGLK in lvm_vg0`.
    public var doing: String
    /// The number that the manager's C library returned, exactly; nil if there was none.
    public var status: Int32?
    /// What the user should know or do beyond that; empty if nothing.
    public var advice: String

    /// What an error says about the hold.
    public enum Hold: Hashable, Sendable {
        /// As it was before the call.
        case unchanged
        /// It may or may not have changed. After an acquire the engine releases before it asks
        /// again; after a convert it keeps the weaker of the two modes.
        case unknown
    }

    /// Who failed.
    public enum Layer: String, Hashable, Sendable {
        /// The lock manager's own daemon or kernel part did not answer.
        case daemon
        /// The lock manager answered with an error.
        case manager
        /// The storage below it failed.
        case storage
    }

    /// Describes a failure.
    public init(
        _ code: LockErrorCode, hold: Hold = .unchanged, layer: Layer = .manager, doing: String,
        status: Int32? = nil, advice: String = ""
    ) {
        self.code = code
        self.hold = hold
        self.layer = layer
        self.doing = doing
        self.status = status
        self.advice = advice
    }

    /// The whole story in one line.
    public var description: String {
        var text = "\(self.doing): \(self.code)"
        if let status = self.status { text += " (\(self.layer.rawValue) status \(status))" }
        if self.hold == .unknown { text += ", the hold is unknown" }
        if !self.advice.isEmpty { text += "; \(self.advice)" }
        return text
    }
}
