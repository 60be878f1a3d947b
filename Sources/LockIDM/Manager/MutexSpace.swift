package import LockCore

/// The mutexes of one joined lockspace, by whatever way they are reached: through an IDM lock
/// manager, or on the drives themselves.
///
/// There is at most one call under way for a lock.
package protocol MutexSpace: Sendable {
    /// This host's number; 0 if it has none.
    var hostNumber: UInt64 { get }
    /// Takes a lock.
    func take(
        _ lock: LockID, _ mode: LockMode, drives: [String], adopting: Adoption, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer
    /// Changes the mode of a lock that is held. With a stamp, the drives have that before anybody
    /// can share the lock and take the old one for the last.
    func convert(
        _ lock: LockID, to mode: LockMode, publishing stamp: ChangeStamp?, _ doing: String
    ) async throws(LockManagerError) -> MutexAnswer
    /// Lets go of a lock, held or not. What fails is finished in the background.
    func release(
        _ lock: LockID, leaving stamp: StampLeft, _ doing: String
    ) async throws(LockManagerError)
    /// How many other hosts take part in the lockspace.
    func otherMembers(_ doing: String) async throws(LockManagerError) -> Int
    /// Who holds a lock; nil where that cannot be known.
    func holders(
        of lock: LockID, drives: [String], _ doing: String
    ) async throws(LockManagerError) -> [Host]?
    /// Drops what an earlier process left behind and nobody took over.
    func purge(_ doing: String) async throws(LockManagerError)
    /// Lets go of everything.
    func end(_ doing: String) async throws(LockManagerError)
}

/// What came of asking for a lock.
package enum MutexAnswer: Hashable, Sendable {
    /// It is held.
    case held(StampReading)
    /// Another host is in the way.
    case inTheWay(Contention)
    /// There is nothing to take over.
    case noOrphan
    /// What there is to take over is held in the other mode.
    case orphanInOtherMode
}

/// What it takes to join a lockspace.
package struct SpaceRequest: Sendable {
    package var lockspace: Lockspace
    /// The lock of the whole: other locks of the lockspace begin with the same half.
    package var group: LockID
    package var adopting: Adoption
    /// Called once, when the lockspace is lost.
    package var lost: @Sendable (_ reason: String, _ certainFor: Duration) -> Void
}

/// A way to the mutexes.
package protocol MutexAccess: Sendable {
    var capabilities: LockManagerCapabilities { get }
    /// Drives of the global lock, where they are not found by themselves.
    var globalDrives: [String] { get }
    func isRunning() async -> Bool
    /// Joins a lockspace.
    func open(
        _ request: SpaceRequest, _ doing: String
    ) async throws(LockManagerError) -> any MutexSpace
    /// Lockspaces that an earlier process left joined.
    func leftBehind() async throws(LockManagerError) -> [Lockspace.ID]
}
