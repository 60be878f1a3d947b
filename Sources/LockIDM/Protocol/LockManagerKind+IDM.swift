public import LockCore

extension LockManagerKind {
    /// Locks in the drives themselves: In-Drive Mutexes.
    public static let idm = LockManagerKind(rawValue: "idm")
}
