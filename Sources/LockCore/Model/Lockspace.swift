/// A set of resources that hosts share: one per volume group, and for some managers one more for
/// the global lock.
public struct Lockspace: Hashable, Sendable {
    /// A lockspace's name in its lock manager.
    public struct ID: Hashable, Sendable, CustomStringConvertible {
        /// The manager that keeps it.
        public var kind: LockManagerKind
        /// The name all hosts know it by: `lvm_` and the volume group's name, or `lvm_global`.
        public var name: String

        /// Names a lockspace.
        public init(kind: LockManagerKind, name: String) {
            self.kind = kind
            self.name = name
        }

        /// The lockspace that holds the locks of a volume group.
        public init(kind: LockManagerKind, volumeGroup: String) {
            self.init(kind: kind, name: Self.volumeGroupPrefix + volumeGroup)
        }

        /// The lockspace of the global lock, for managers that keep it in one of its own.
        public static func global(kind: LockManagerKind) -> ID {
            ID(kind: kind, name: "lvm_global")
        }

        static let volumeGroupPrefix = "lvm_"

        /// Names rarely meet in two kinds, so the name alone spreads well.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(self.name)
        }

        /// The name alone.
        public var description: String { self.name }
    }

    /// Which lockspace.
    public var id: ID
    /// The volume group whose locks it holds; empty for a global lockspace.
    public var volumeGroup: String
    /// The volume group's UUID, where the caller knows it.
    public var volumeGroupUUID: String
    /// The volume group's lock arguments, as its metadata has them.
    public var arguments: String
    /// Paths of the drives that carry the locks, for managers that keep locks in drives.
    public var drives: [String]
    /// The host number to join with, or nil for the manager's own choice.
    public var hostID: UInt32?

    /// Describes the lockspace of a volume group.
    public init(
        volumeGroup: String, kind: LockManagerKind, uuid: String = "", arguments: String = "",
        drives: [String] = [], hostID: UInt32? = nil
    ) {
        self.id = ID(kind: kind, volumeGroup: volumeGroup)
        self.volumeGroup = volumeGroup
        self.volumeGroupUUID = uuid
        self.arguments = arguments
        self.drives = drives
        self.hostID = hostID
    }

    /// Describes the lockspace of a manager's global lock.
    public init(globalOf kind: LockManagerKind) {
        self.init(volumeGroup: "", kind: kind)
        self.id = .global(kind: kind)
    }

    /// True for a lockspace that exists for the global lock alone.
    public var isGlobal: Bool {
        // A volume group called `global` has a lockspace of the same name.
        self.volumeGroup.isEmpty && self.id == .global(kind: self.id.kind)
    }
}
