/// What is locked: the global resource, a volume group, or a logical volume.
public struct Resource: Hashable, Sendable {
    /// A resource's name within its lockspace.
    public enum Name: Hashable, Sendable {
        /// Protects what belongs to no volume group, such as the list of their names.
        case global
        /// Protects a volume group's metadata.
        case volumeGroup
        /// Protects a logical volume's activation; the value is its UUID.
        case logicalVolume(String)
    }

    /// A resource's name together with its lockspace.
    public struct ID: Hashable, Sendable {
        /// Where the resource lives.
        public var lockspace: Lockspace.ID
        /// Which resource of that lockspace.
        public var name: Name

        /// Names a resource.
        public init(lockspace: Lockspace.ID, name: Name) {
            self.lockspace = lockspace
            self.name = name
        }
    }

    /// Which resource.
    public var id: ID
    /// The logical volume's lock arguments (sanlock: `1.0.0:OFFSET` of its lease); else empty.
    public var arguments: String
    /// Paths of the drives that carry the lock, for managers that keep locks in drives.
    public var drives: [String]

    /// Describes a resource.
    public init(_ id: ID, arguments: String = "", drives: [String] = []) {
        self.id = id
        self.arguments = arguments
        self.drives = drives
    }
}

extension Resource.Name: CustomStringConvertible {
    /// The name as lock managers and lvmlockd's logs spell it: `GLLK`, `VGLK`, or the UUID.
    public var description: String {
        switch self {
        case .global: "GLLK"
        case .volumeGroup: "VGLK"
        case .logicalVolume(let uuid): uuid
        }
    }
}
