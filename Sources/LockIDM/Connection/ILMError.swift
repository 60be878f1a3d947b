/// A request to the IDM lock manager came to nothing.
public struct ILMError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is. Open to further kinds.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case unreachable, closed, timedOut, malformed, refused, invalid
        }
        private let kind: Kind

        /// The manager's socket cannot be connected to.
        public static let unreachable = Code(kind: .unreachable)
        /// The connection ended. What the manager made of the request is unknown; what it held on
        /// this connection it lets go.
        public static let closed = Code(kind: .closed)
        /// No answer came in time. The connection is closed, for a late one would be taken for the
        /// next answer.
        public static let timedOut = Code(kind: .timedOut)
        /// The answer is none, and the connection is closed.
        public static let malformed = Code(kind: .malformed)
        /// The manager refused; ``ILMError/result`` says why.
        public static let refused = Code(kind: .refused)
        /// The request was not sent, because the manager could not have read it.
        public static let invalid = Code(kind: .invalid)

        /// The code's name.
        public var description: String { self.kind.rawValue }
    }

    /// What kind of failure it is.
    public var code: Code
    /// What was asked for.
    public var doing: String
    /// What is known of the reason.
    public var reason: String
    /// The manager's answer, where it gave one.
    public var result: ILMResult?
    /// The C library's `errno`, where a system call failed.
    public var status: Int32?

    package init(
        _ code: Code, doing: String, reason: String, result: ILMResult? = nil,
        status: Int32? = nil
    ) {
        self.code = code
        self.doing = doing
        self.reason = reason
        self.result = result
        self.status = status
    }

    /// Nothing more can be asked on the connection.
    public var endsConnection: Bool {
        [.unreachable, .closed, .timedOut, .malformed].contains(self.code)
    }

    /// The whole story in one line.
    public var description: String { "\(self.doing): \(self.code), \(self.reason)" }
}
