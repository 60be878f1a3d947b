/// Bytes that are no request, or no reply, in the words of the protocol.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong. Open to further codes: handle the ones you know.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case frameTooLong, unparsable, unknownRequest, missingField, badNumber, badText
            case tooLong, tooManyDrives
        }

        private let value: Value
        /// The code's name.
        public var description: String { self.value.rawValue }

        /// The frame is longer than ``Limits/requestBytes``, or the limit of requests with drives.
        public static let frameTooLong = Code(value: .frameTooLong)
        /// The text is not made of `key = value`.
        public static let unparsable = Code(value: .unparsable)
        /// The request's name is missing, or none that the protocol has.
        public static let unknownRequest = Code(value: .unknownRequest)
        /// A field that the request cannot do without is missing, empty, or `none`.
        public static let missingField = Code(value: .missingField)
        /// A field is not a number, or the number is out of its range.
        public static let badNumber = Code(value: .badNumber)
        /// A field holds characters that have no place in it.
        public static let badText = Code(value: .badText)
        /// A field is longer than its limit.
        public static let tooLong = Code(value: .tooLong)
        /// The request lists more drives than ``Limits/drives``.
        public static let tooManyDrives = Code(value: .tooManyDrives)
    }

    /// What is wrong.
    public var code: Code
    /// The field that is wrong, or the request's name if that is unknown; else empty.
    public var field: String
    /// The line of the frame, counted from 1, where the text stops making sense; else 0.
    public var line: Int
    /// The limit that was passed, in bytes or pieces; else 0.
    public var limit: Int
    /// What the request asks for, if it got so far as to say so.
    public var operation: OperationNumber?

    /// Describes what is wrong.
    public init(
        _ code: Code, field: String = "", line: Int = 0, limit: Int = 0,
        operation: OperationNumber? = nil
    ) {
        self.code = code
        self.field = field
        self.line = line
        self.limit = limit
        self.operation = operation
    }

    /// One sentence for the client: what is wrong, and where.
    public var description: String {
        switch self.code {
        case .frameTooLong: "the request is longer than \(self.limit) bytes"
        case .unparsable: "line \(self.line) is not of the form key = value"
        case .unknownRequest where self.field.isEmpty: "the request does not say what it asks for"
        case .unknownRequest: "there is no request called \(self.field)"
        case .missingField: "\(self.field) is missing"
        case .badNumber: "\(self.field) is not a number in its range"
        case .badText: "\(self.field) has characters that do not belong there"
        case .tooLong: "\(self.field) is longer than \(self.limit) bytes"
        case .tooManyDrives: "\(self.field) says more than \(self.limit) drives"
        default: self.code.description
        }
    }
}
