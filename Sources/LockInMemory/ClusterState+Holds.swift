import LockCore

/// What an acquire has come to when the cluster's state is let go of.
enum AcquireAttempt {
    /// It has its answer.
    case answered(AcquireOutcome)
    /// It stands in the resource's queue.
    case waiting(MemoryWaiter.ID)
}

extension ClusterState {
    mutating func acquire(
        _ resource: Resource.ID, _ mode: LockMode, _ options: AcquireOptions,
        _ subject: CallSubject, _ circumstances: CallCircumstances
    ) throws(LockManagerError) -> AcquireAttempt {
        if let contention = circumstances.contention { return .answered(.contended(contention)) }
        var options = options
        options.waiting = options.waiting && circumstances.mayWait
        let waiter = self.context.nextWaiter()
        let outcome = try self.withLockspace(resource.lockspace) {
            space, context throws(LockManagerError) in
            try space.acquire(mode, of: resource.name, options, as: waiter, subject, &context)
        }
        if let outcome { return .answered(outcome) }
        self.startWaiting(waiter, subject)
        return .waiting(waiter)
    }

    func checkMember(_ subject: CallSubject) throws(LockManagerError) {
        guard let lockspace = subject.lockspace, let space = self.lockspaces[lockspace] else {
            throw subject.failure(.lockspaceNotFound)
        }
        try space.member(subject)
    }

    /// Is this process the one that speaks for the host?
    mutating func runs(_ host: UInt64, process: Int) -> Bool {
        let host = self.host(host)
        return host.isUp && host.process == process
    }
}
