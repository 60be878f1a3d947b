import LockCore

/// A call of a lock manager, with its arguments. A byte tells which; the arguments follow in their
/// order.
enum AgentCall: WireValue {
    case isRunning
    case initialise(VolumeGroupRequest)
    case prepare(Lockspace, JoinOptions)
    case join(Prepared, JoinOptions)
    case leave(Lockspace.ID, LeaveReason)
    case otherHosts(Lockspace.ID)
    case localHost(Lockspace.ID)
    case leftBehind
    case acquire(Resource, LockMode, AcquireOptions)
    case cancelAcquire(Resource.ID)
    case convert(Resource.ID, LockMode, ValueBlock?)
    case release(Resource.ID, ValueBlock?)
    case forget(Resource.ID)
    case holders(Resource)
    case purgeOrphans(Lockspace.ID)
    case allocateLease(LogicalVolumeRequest)
    case freeLease(Resource)
    case findFreeLease(Lockspace.ID, UInt64)
    case renameLeases(VolumeGroupRequest)
    case carriesGlobalLock(Lockspace.ID)
    case setGlobalLock(Lockspace.ID, Bool, Bool)
    case supports(VolumeGroupRequest)
    case changeArguments(VolumeGroupRequest)
    case refresh(String)

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .isRunning
        case 1: self = .initialise(try reader.read())
        case 2: self = .prepare(try reader.read(), try reader.read())
        case 3: self = .join(try reader.read(), try reader.read())
        case 4: self = .leave(try reader.read(), try reader.read())
        case 5: self = .otherHosts(try reader.read())
        case 6: self = .localHost(try reader.read())
        case 7: self = .leftBehind
        case 8: self = .acquire(try reader.read(), try reader.read(), try reader.read())
        case 9: self = .cancelAcquire(try reader.read())
        case 10: self = .convert(try reader.read(), try reader.read(), try reader.read())
        case 11: self = .release(try reader.read(), try reader.read())
        case 12: self = .forget(try reader.read())
        case 13: self = .holders(try reader.read())
        case 14: self = .purgeOrphans(try reader.read())
        case 15: self = .allocateLease(try reader.read())
        case 16: self = .freeLease(try reader.read())
        case 17: self = .findFreeLease(try reader.read(), try reader.read())
        case 18: self = .renameLeases(try reader.read())
        case 19: self = .carriesGlobalLock(try reader.read())
        case 20: self = .setGlobalLock(try reader.read(), try reader.read(), try reader.read())
        case 21: self = .supports(try reader.read())
        case 22: self = .changeArguments(try reader.read())
        case 23: self = .refresh(try reader.read())
        case let other: throw WireError(reason: "\(other) is no call")
        }
    }

    func write(to writer: inout WireWriter) {
        switch self {
        case .isRunning: writer.writeCall(0)
        case .initialise(let first): writer.writeCall(1, first)
        case .prepare(let first, let second): writer.writeCall(2, first, second)
        case .join(let first, let second): writer.writeCall(3, first, second)
        case .leave(let first, let second): writer.writeCall(4, first, second)
        case .otherHosts(let first): writer.writeCall(5, first)
        case .localHost(let first): writer.writeCall(6, first)
        case .leftBehind: writer.writeCall(7)
        case .acquire(let first, let second, let third): writer.writeCall(8, first, second, third)
        case .cancelAcquire(let first): writer.writeCall(9, first)
        case .convert(let first, let second, let third): writer.writeCall(10, first, second, third)
        case .release(let first, let second): writer.writeCall(11, first, second)
        case .forget(let first): writer.writeCall(12, first)
        case .holders(let first): writer.writeCall(13, first)
        case .purgeOrphans(let first): writer.writeCall(14, first)
        case .allocateLease(let first): writer.writeCall(15, first)
        case .freeLease(let first): writer.writeCall(16, first)
        case .findFreeLease(let first, let second): writer.writeCall(17, first, second)
        case .renameLeases(let first): writer.writeCall(18, first)
        case .carriesGlobalLock(let first): writer.writeCall(19, first)
        case .setGlobalLock(let first, let second, let third):
            writer.writeCall(20, first, second, third)
        case .supports(let first): writer.writeCall(21, first)
        case .changeArguments(let first): writer.writeCall(22, first)
        case .refresh(let first): writer.writeCall(23, first)
        }
    }
}

extension WireWriter {
    /// A byte and the values that follow it.
    fileprivate mutating func writeCall<each Value: WireValue>(
        _ byte: UInt8, _ value: repeat each Value
    ) {
        self.writeByte(byte)
        repeat (each value).write(to: &self)
    }
}
