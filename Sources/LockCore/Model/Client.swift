/// Who asks for locks on this host: a connection, or a caller in the same process.
public struct Client: Hashable, Sendable {
    /// Identifies a client for the lifetime of the service; never used again.
    public struct ID: Hashable, Sendable, Comparable {
        /// The number, counted from 1.
        public let rawValue: UInt32

        /// Wraps a number.
        public init(_ rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// A client is less than one that came later.
        public static func < (left: ID, right: ID) -> Bool { left.rawValue < right.rawValue }
    }

    /// The client's number.
    public let id: ID
    /// The process that opened the connection; 0 if it is this one.
    public var processID: Int32
    /// The command's name, as far as it has told.
    public var name: String

    /// Describes a client.
    public init(id: ID, processID: Int32 = 0, name: String = "") {
        self.id = id
        self.processID = processID
        self.name = name
    }
}
