import LockCore

/// What has to be so for a rule to apply.
public enum RuleNeed: Hashable, Sendable {
    /// The manager has a queue to wait in.
    case queue
    /// The manager's value block carries bytes.
    case valueBytes
    /// The manager's value block tells only that something changed.
    case changeStamp
    /// The manager keeps no value block.
    case noValueBlock
    /// What an ended process left behind can be taken over.
    case adoption
    /// What an ended process held ends with it.
    case noAdoption
    /// The manager tells who is in the way.
    case owners
    /// Exclusive grants carry a fencing token.
    case tokens
    /// This can be done to the hosts.
    case hosts(HostAbility)

    /// Why the need is not met; nil if it is.
    func missing(
        from manager: LockManagerCapabilities, _ abilities: Set<HostAbility>
    ) -> String? {
        switch self {
        case .queue: manager.waitsInQueue ? nil : "the manager has no queue"
        case .valueBytes:
            if case .bytes = manager.valueBlock { nil } else { "no value block with bytes" }
        case .changeStamp: manager.valueBlock == .changeStamp ? nil : "no change stamp"
        case .noValueBlock: manager.valueBlock == .none ? nil : "there is a value block"
        case .adoption: manager.adoption ? nil : "the manager has no adoption"
        case .noAdoption: manager.adoption ? "the manager has adoption" : nil
        case .owners: manager.ownerInformation ? nil : "the manager does not know owners"
        case .tokens: manager.fencingTokens ? nil : "the manager has no fencing tokens"
        case .hosts(let ability):
            abilities.contains(ability) ? nil : "there is no way to \(ability.rawValue)"
        }
    }
}
