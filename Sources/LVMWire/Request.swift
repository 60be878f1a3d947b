public import LockCore

/// A request, as it comes over the socket.
public struct Request: Hashable, Sendable {
    /// What is asked.
    public var body: Body
    /// The number of what is asked, which the reply repeats.
    public var operation: OperationNumber
    /// The name that the command gave itself (`cmd`); empty if it gave none.
    public var command: String
    /// The process number that the command gave itself (`pid`). The socket knows better; upstream
    /// only logs a difference.
    public var processID: Int32?

    /// What can be asked.
    public enum Body: Hashable, Sendable {
        /// Is this lvmlockd, and which version of the protocol? See ``Response/hello()``.
        case hello
        /// Show the state. See ``Response/dump(bytes:result:)`` and ``InfoText``.
        case info
        /// Show the log. See ``Response/dump(bytes:result:)``.
        case dump
        /// Something for the lock service.
        case action(Action)
        /// Well-formed, but without the lock type that it needs: lvmlockd has an ordinary reply
        /// for it, which is this one. Encode it like the service's.
        case refused(Reply)
    }

    /// Describes a request.
    public init(
        _ body: Body, operation: OperationNumber, command: String = "", processID: Int32? = nil
    ) {
        self.body = body
        self.operation = operation
        self.command = command
        self.processID = processID
    }

    /// Reads the text of one frame.
    ///
    /// An error says which request it is about, if the frame got so far as to name one; see
    /// ``Response/failed(_:)``.
    public static func parse(_ frame: [UInt8]) throws(WireError) -> Request {
        var fields = try RequestFields(frame)
        guard let name = RequestName(fields) else {
            throw WireError(.unknownRequest, field: fields.label(.request))
        }
        fields.operation = name.operation
        let command = fields.label(.cmd)
        let processID = try? fields.number(.pid, as: Int32.self)
        return Request(
            try Self.body(name, fields), operation: name.operation, command: command,
            processID: processID)
    }

    private static func body(
        _ name: RequestName, _ fields: consuming RequestFields
    ) throws(WireError) -> Body {
        switch name {
        case .hello: return .hello
        case .info: return .info
        case .dump: return .dump
        default: break
        }
        let context = try RequestContext(name, fields)
        guard let operation = try context.operation(name) else {
            var reply = Reply(.invalidRequest)
            reply.kind = context.kind
            return .refused(reply)
        }
        return .action(
            Action(
                operation, volumeGroup: context.volumeGroup, kind: context.kind,
                options: context.options))
    }
}
