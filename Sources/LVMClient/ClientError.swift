public import LVMWire

/// A client could not do what it was asked.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong. Open to further codes: handle the ones you know.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case badPath, cannotConnect, closed, timedOut, cannotSend, cannotReceive, badReply
            case refused, cannotBind
        }

        private let value: Value
        /// The code's name.
        public var description: String { self.value.rawValue }

        /// The socket's path is empty or longer than a socket's address can be.
        public static let badPath = Code(value: .badPath)
        /// Nobody listens on the socket, or this process may not use it.
        public static let cannotConnect = Code(value: .cannotConnect)
        /// The service closed the connection.
        public static let closed = Code(value: .closed)
        /// No reply came in time. It may still come, so the connection is of no more use.
        public static let timedOut = Code(value: .timedOut)
        /// Sending failed.
        public static let cannotSend = Code(value: .cannotSend)
        /// Receiving failed.
        public static let cannotReceive = Code(value: .cannotReceive)
        /// The reply is not in the protocol's words, or lacks what it should have.
        public static let badReply = Code(value: .badReply)
        /// The service did not understand the request, and says why.
        public static let refused = Code(value: .refused)
        /// The socket that receives dumps cannot be had: another process has it.
        public static let cannotBind = Code(value: .cannotBind)
    }

    /// What went wrong.
    public var code: Code
    /// To what: a path, or what the service says.
    public var detail: String
    /// The C status (`errno`); nil if the failure has none.
    public var status: Int32?
    /// What is wrong with the reply, if that is the failure.
    public var wire: WireError?

    /// Describes a failure.
    public init(
        _ code: Code, _ detail: String = "", status: Int32? = nil, wire: WireError? = nil
    ) {
        self.code = code
        self.detail = detail
        self.status = status
        self.wire = wire
    }

    /// One sentence: what happened, and to what.
    public var description: String {
        var text = self.code.description
        if !self.detail.isEmpty { text += ": \(self.detail)" }
        if let wire = self.wire { text += ": \(wire)" }
        if let status = self.status { text += " (errno \(status))" }
        return text
    }
}
