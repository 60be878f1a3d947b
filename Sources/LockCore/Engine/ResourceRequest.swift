/// A request for a lock, on its way through a ``ResourceMachine``.
package struct LockRequest: Hashable, Sendable {
    package var id: ActionID
    package var client: Client.ID
    package var mode: LockMode
    package var isPersistent: Bool
    package var waiting: Waiting
    package var adopting: Adoption
    package var repairing: Bool
    package var arguments: String
    package var drives: [String]
    /// Since when the request knows that another host is in its way.
    package var contendedSince: Duration?

    package init(
        id: ActionID, client: Client.ID, mode: LockMode, isPersistent: Bool = false,
        waiting: Waiting = .forever, adopting: Adoption = .none, repairing: Bool = false,
        arguments: String = "", drives: [String] = []
    ) {
        self.id = id
        self.client = client
        self.mode = mode
        self.isPersistent = isPersistent
        self.waiting = waiting
        self.adopting = adopting
        self.repairing = repairing
        self.arguments = arguments
        self.drives = drives
        self.contendedSince = nil
    }

    /// Whose lock it will be.
    var owner: Client.ID? { self.isPersistent ? nil : self.client }

    /// Does it wait for another host whatever the conflict?
    var waitsForAnyHost: Bool {
        !self.waiting.onlyPassingConflicts && self.waiting.otherHosts != .zero
    }

    /// When waiting for other hosts ends, once it has begun; nil if it does not end.
    var lastAttempt: Duration? {
        guard let patience = self.waiting.otherHosts else { return self.waiting.deadline }
        guard let since = self.contendedSince else { return self.waiting.deadline }
        return min(since + patience, self.waiting.deadline ?? since + patience)
    }

    /// Is it worth asking again after a conflict at this time?
    func asksAgain(isPassing: Bool, now: Duration) -> Bool {
        if self.waiting.onlyPassingConflicts, !isPassing { return false }
        guard self.waiting.otherHosts != .zero else { return false }
        guard let lastAttempt = self.lastAttempt else { return true }
        return now < lastAttempt
    }
}

/// What reaches a ``ResourceMachine`` from above.
package enum ResourceInput: Hashable, Sendable {
    case lock(LockRequest)
    case unlock(ActionID, Client.ID, isPersistent: Bool, cancels: Bool)
    /// Announce a version; nil for the next one.
    case update(ActionID, Client.ID, version: UInt32?)
    /// Withdraw a request that waits.
    case withdraw(ActionID)
    /// The client's connection is gone.
    case clientVanished(Client.ID)
    /// The client never learnt that it got its lock.
    case replyLost(Client.ID)
    case freeLease(ActionID, arguments: String)
    case setGlobalLock(ActionID, enabled: Bool, exclusively: Bool)
    case simulateRemoteHolder(ActionID, LockMode)
    /// The lockspace is being left: let go of everything. `removed` marks the volume group as gone.
    case clear(removed: Bool)
}
