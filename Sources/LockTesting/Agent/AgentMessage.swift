import LockCore

/// What a driver and an agent tell each other. Each message is one frame, which begins with a byte
/// for its case.
///
/// The driver begins with a hello, and the agent answers with a welcome. From then on the driver
/// sends calls, each with a number of its own, and the agent answers each one, in any order, with
/// an answer or a failure that carries its number; in between it sends events. The end of the
/// stream, or a message that is none of these, ends the conversation.
enum AgentMessage: WireValue {
    /// The version of the protocol that both sides speak.
    static let version = 1

    /// From the driver: its version of the protocol.
    case hello(version: Int)
    /// From the agent: its version, and what its lock manager is.
    case welcome(version: Int, LockManagerKind, LockManagerCapabilities)
    /// From the driver: a call.
    case call(UInt64, AgentCall)
    /// From the agent: what the call answered, in the bytes of that type.
    case answer(UInt64, [UInt8])
    /// From the agent: the error that the call threw.
    case failure(UInt64, LockManagerError)
    /// From the agent: what the manager reported by itself.
    case event(LockManagerEvent)

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .hello(version: try reader.read())
        case 1: self = .welcome(version: try reader.read(), try reader.read(), try reader.read())
        case 2: self = .call(try reader.read(), try reader.read())
        case 3:
            let number = try reader.read(UInt64.self)
            self = .answer(number, Array(try reader.readBytes(try reader.readCount())))
        case 4: self = .failure(try reader.read(), try reader.read())
        case 5: self = .event(try reader.read())
        case let other: throw WireError(reason: "\(other) is no message")
        }
    }

    func write(to writer: inout WireWriter) {
        switch self {
        case .hello(let version):
            writer.writeByte(0)
            writer.write(version)
        case .welcome(let version, let kind, let capabilities):
            writer.writeByte(1)
            writer.write(version)
            writer.write(kind)
            writer.write(capabilities)
        case .call(let number, let call):
            writer.writeByte(2)
            writer.write(number)
            writer.write(call)
        case .answer(let number, let bytes):
            writer.writeByte(3)
            writer.write(number)
            writer.write(UInt64(bytes.count))
            writer.writeBytes(bytes)
        case .failure(let number, let error):
            writer.writeByte(4)
            writer.write(number)
            writer.write(error)
        case .event(let event):
            writer.writeByte(5)
            writer.write(event)
        }
    }
}
