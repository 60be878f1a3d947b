extension ILMRequest {
    /// Reads a whole message; nil if it is none. A length that says more than there is, as the C
    /// library's kill path has it, is taken as it is meant.
    package init?(_ bytes: [UInt8]) {
        guard let header = ILMHeader(bytes.prefix(ILMHeader.size)),
            let command = Command(rawValue: header.command)
        else { return nil }
        var reader = ByteReader(bytes.dropFirst(ILMHeader.size))
        let request: ILMRequest? =
            switch command {
            case .addLockspace: .addLockspace
            case .deleteLockspace: .deleteLockspace
            case .stopRenewal: .stopRenewal
            case .startRenewal: .startRenewal
            case .setSignal: reader.littleEndian().map { .setSignal($0) }
            case .injectFailures: reader.littleEndian().map { .injectFailures(percent: $0) }
            case .setHostID:
                reader.bytes(HostID.size).flatMap(HostID.init(bytes:)).map { .setHostID($0) }
            case .setKillPath: Self.killPath(&reader)
            default: Self.aboutLock(command, &reader)
            }
        guard let request, reader.rest.isEmpty else { return nil }
        self = request
    }

    private static func killPath(_ reader: inout ByteReader) -> ILMRequest? {
        guard let path = reader.text(inField: ILMLimits.killField),
            let arguments = reader.text(inField: ILMLimits.killField)
        else { return nil }
        return .setKillPath(path, arguments: arguments)
    }

    private static func aboutLock(_ command: Command, _ reader: inout ByteReader) -> ILMRequest? {
        guard let payload = reader.bytes(ILMLockPayload.size).flatMap({ ILMLockPayload($0) }),
            let drives = Self.drives(Int(payload.driveCount), &reader)
        else { return nil }
        switch command {
        case .version: return drives.count == 1 ? .version(drive: drives[0]) : nil
        case .acquire:
            return .acquire(
                payload.lock, payload.mode, drives: drives,
                timeoutMilliseconds: payload.timeoutMilliseconds)
        case .release: return .release(payload.lock)
        case .convert: return .convert(payload.lock, payload.mode)
        case .writeValueBlock:
            return reader.bytes(ILMLimits.valueBlock).map { .writeValueBlock(payload.lock, $0) }
        case .readValueBlock: return .readValueBlock(payload.lock)
        case .hostCount: return .hostCount(payload.lock, drives: drives)
        case .mode: return .mode(payload.lock, drives: drives)
        default: return nil
        }
    }

    private static func drives(_ count: Int, _ reader: inout ByteReader) -> [String]? {
        var drives: [String] = []
        for _ in 0..<count {
            guard let drive = reader.text(inField: ILMLimits.pathField) else { return nil }
            drives.append(drive)
        }
        return drives
    }
}
