/// Something that happened in a ``LockService``.
public enum LockEvent: Sendable {
    /// This host has begun to join a lockspace, which may take so long.
    case joining(Lockspace.ID, upTo: Duration)
    /// This host has joined a lockspace.
    case started(Lockspace.ID)
    /// This host could not join a lockspace.
    case failed(Lockspace.ID, LockManagerError)
    /// This host has left a lockspace.
    case stopped(Lockspace.ID)
    /// This host lost a lockspace and every lock in it. Until `certainFor` has passed, no other
    /// host can be granted what this one held.
    case lost(Lockspace, reason: String, certainFor: Duration)
    /// Another host waits for a lock that this one holds.
    case wanted(Resource.ID)
    /// A lock manager failed at something that no action asked for.
    case managerFailed(LockManagerError)
}
