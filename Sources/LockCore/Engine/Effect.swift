/// Names one action from its arrival to its reply.
package struct ActionID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What a machine wants done. Machines compute, the runner performs.
package enum Effect: Hashable, Sendable {
    /// Answer an action. Each action is answered once.
    case reply(ActionID, Reply)
    /// Ask the lock manager to do something with a resource; its answer comes back as an input.
    case ask(Resource.Name, ResourceCall)
    /// Ask the lock manager to end the waiting acquire of a resource soon.
    case cancelAcquire(Resource.Name)
    /// Tell the resource's machine when this time has come; replaces an earlier wish.
    case wake(Resource.Name, at: Duration)
    /// A transient lock of this client has gone with the lockspace.
    case lost(Client.ID)
    /// Another host wants what this client holds.
    case wanted(Client.ID)
    /// Ask the lock manager something about the lockspace.
    indirect case askLockspace(LockspaceCall)
    /// The lockspace's state changed in a way that others care about.
    indirect case became(LockspaceMachine.Milestone)
    /// The volume group now carries the global lock, or no longer.
    case globalLock(enabled: Bool)
}

/// A call about one resource. At most one is under way for each.
package enum ResourceCall: Hashable, Sendable {
    case acquire(LockMode, AcquireOptions, arguments: String, drives: [String])
    case convert(LockMode, writing: ValueBlock?)
    case release(writing: ValueBlock?)
    case forget
    case freeLease(arguments: String)
    case setGlobalLock(enabled: Bool, exclusively: Bool)
    case simulateRemoteHolder(LockMode)
}

/// The answer to a ``ResourceCall``.
package enum ResourceAnswer: Hashable, Sendable {
    /// To an acquire or a convert.
    case outcome(Result<AcquireOutcome, LockManagerError>)
    /// To any other call: nil, or how it failed.
    case done(LockManagerError?)
}

/// A call about the lockspace as a whole.
package enum LockspaceCall: Hashable, Sendable {
    case prepare(JoinOptions)
    case join(Prepared, JoinOptions)
    case leave(LeaveReason)
    /// Do others use the lockspace? Asked on behalf of an action.
    case otherHosts(for: ActionID)
    case findFreeLease(volumeBytes: UInt64, for: ActionID)
}
