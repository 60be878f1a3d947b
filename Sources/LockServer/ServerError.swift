/// The server could not start to listen.
public struct ServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of obstacle it was. Open to further codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case badPath, badDirectory, addressInUse, notOurs, badInheritedSocket, systemCallFailed
        }

        private let value: Value

        /// The code's name.
        public var description: String { self.value.rawValue }

        /// The socket's path is empty, or longer than the kernel's 107 bytes.
        public static let badPath = Code(value: .badPath)
        /// The socket's directory is missing, belongs to somebody else, or others may write to it.
        public static let badDirectory = Code(value: .badDirectory)
        /// Another process answers on the socket.
        public static let addressInUse = Code(value: .addressInUse)
        /// Something else than a left-over socket of ours stands at the socket's path.
        public static let notOurs = Code(value: .notOurs)
        /// The socket that the service manager passed in is not the one that was asked for.
        public static let badInheritedSocket = Code(value: .badInheritedSocket)
        /// The system refused for another reason.
        public static let systemCallFailed = Code(value: .systemCallFailed)
    }

    /// What kind of obstacle it was.
    public var code: Code
    /// What was being done to what, such as `listen on /run/lvm/lvmlockd.socket`.
    public var doing: String
    /// What was in the way.
    public var problem: String
    /// What to do about it.
    public var advice: String
    /// `errno`, where a system call failed.
    public var status: Int32?

    /// Describes an obstacle.
    public init(
        _ code: Code, doing: String, problem: String, advice: String, status: Int32? = nil
    ) {
        self.code = code
        self.doing = doing
        self.problem = problem
        self.advice = advice
        self.status = status
    }

    /// One sentence for the administrator.
    public var description: String {
        "cannot \(self.doing): \(self.problem); \(self.advice)"
    }
}
