/// One client's share in a hold, or a persistent share that belongs to nobody.
public struct Lock: Hashable, Sendable {
    /// Shared or exclusive.
    public var mode: LockMode
    /// Whose lock it is: a client's, which ends with its connection, or nil for a persistent one.
    public var owner: Client.ID?
    /// The version that the next unlock from exclusive will publish; 0 if none was announced.
    public var version: UInt32

    /// A persistent lock belongs to no client and outlives its connection.
    public var isPersistent: Bool { self.owner == nil }

    /// Describes a lock.
    public init(mode: LockMode, owner: Client.ID?, version: UInt32 = 0) {
        self.mode = mode
        self.owner = owner
        self.version = version
    }
}
