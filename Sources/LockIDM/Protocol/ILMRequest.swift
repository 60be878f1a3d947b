/// What a client asks of the IDM lock manager, as a value.
package enum ILMRequest: Hashable, Sendable {
    /// Which version of the mutexes a drive has.
    case version(drive: String)
    case addLockspace
    /// Ends the lockspace. The manager keeps a pointer to it, and may end somebody else's when the
    /// connection closes; closing it is enough.
    case deleteLockspace
    case acquire(LockID, ILMMode, drives: [String], timeoutMilliseconds: Int32)
    case release(LockID)
    case convert(LockID, ILMMode)
    case writeValueBlock(LockID, [UInt8])
    case readValueBlock(LockID)
    case hostCount(LockID, drives: [String])
    case mode(LockID, drives: [String])
    case setSignal(Int32)
    case setKillPath(String, arguments: String)
    case setHostID(HostID)
    case stopRenewal
    case startRenewal
    case injectFailures(percent: Int32)

    /// The numbers that stand for them (propeller: `ILM_CMD_VERSION` and those after it).
    package enum Command: UInt32, CaseIterable, Sendable {
        case version, addLockspace, deleteLockspace, acquire, release, convert
        case writeValueBlock, readValueBlock, hostCount, mode
        case setSignal, setKillPath, setHostID, stopRenewal, startRenewal, injectFailures

        /// Bytes that follow a reply which tells of success.
        package var replySize: Int {
            switch self {
            case .version: 2
            case .mode: 4
            case .readValueBlock, .hostCount: 8
            default: 0
            }
        }
    }

    package var command: Command {
        switch self {
        case .version: .version
        case .addLockspace: .addLockspace
        case .deleteLockspace: .deleteLockspace
        case .acquire: .acquire
        case .release: .release
        case .convert: .convert
        case .writeValueBlock: .writeValueBlock
        case .readValueBlock: .readValueBlock
        case .hostCount: .hostCount
        case .mode: .mode
        case .setSignal: .setSignal
        case .setKillPath: .setKillPath
        case .setHostID: .setHostID
        case .stopRenewal: .stopRenewal
        case .startRenewal: .startRenewal
        case .injectFailures: .injectFailures
        }
    }

    /// The whole message. Its length is exact: of a longer one the manager waits for the rest.
    package var encoded: [UInt8] {
        let body = self.body
        let header = ILMHeader(
            command: self.command.rawValue, length: UInt32(ILMHeader.size + body.count))
        return header.encoded + body
    }

    private var body: [UInt8] {
        switch self {
        case .addLockspace, .deleteLockspace, .stopRenewal, .startRenewal: []
        case .version(let drive): Self.about(.global, drives: [drive])
        case .acquire(let lock, let mode, let drives, let timeout):
            Self.about(lock, mode, drives: drives, timeoutMilliseconds: timeout)
        case .release(let lock), .readValueBlock(let lock): Self.about(lock)
        case .convert(let lock, let mode): Self.about(lock, mode)
        case .writeValueBlock(let lock, let value): Self.about(lock) + value
        case .hostCount(let lock, let drives), .mode(let lock, let drives):
            Self.about(lock, drives: drives)
        case .setSignal(let number), .injectFailures(percent: let number): Self.number(number)
        case .setKillPath(let path, let arguments): Self.fields(path, arguments)
        case .setHostID(let host): host.bytes
        }
    }

    private static func about(
        _ lock: LockID, _ mode: ILMMode = .unlocked, drives: [String] = [],
        timeoutMilliseconds: Int32 = 0
    ) -> [UInt8] {
        let payload = ILMLockPayload(
            lock, mode: mode, driveCount: drives.count, timeoutMilliseconds: timeoutMilliseconds)
        var bytes = payload.encoded
        bytes.reserveCapacity(bytes.count + drives.count * ILMLimits.pathField)
        for drive in drives { bytes.append(drive, inField: ILMLimits.pathField) }
        return bytes
    }

    private static func number(_ number: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(number)
        return bytes
    }

    private static func fields(_ texts: String...) -> [UInt8] {
        var bytes: [UInt8] = []
        for text in texts { bytes.append(text, inField: ILMLimits.killField) }
        return bytes
    }
}
