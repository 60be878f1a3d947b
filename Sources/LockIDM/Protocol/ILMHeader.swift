/// What begins every message between the IDM lock manager and its clients, in both directions.
package struct ILMHeader: Hashable, Sendable {
    package static let size = 16
    private static let magic: UInt32 = 0x494c_4d00

    /// The command's number. In replies it is whatever lay in the manager's memory.
    package var command: UInt32
    /// Bytes of the whole message, these included.
    package var length: UInt32
    /// In replies what came of it: not negative for success. In requests 0.
    package var result: Int32

    package init(command: UInt32, length: UInt32, result: Int32 = 0) {
        self.command = command
        self.length = length
        self.result = result
    }

    /// Nil if that is no header.
    package init?(_ bytes: some Sequence<UInt8>) {
        var reader = ByteReader(bytes)
        guard reader.littleEndian(UInt32.self) == Self.magic,
            let command: UInt32 = reader.littleEndian(),
            let length: UInt32 = reader.littleEndian(), let result: Int32 = reader.littleEndian()
        else { return nil }
        self.init(command: command, length: length, result: result)
    }

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(self.command)
        bytes.appendLittleEndian(self.length)
        bytes.appendLittleEndian(self.result)
        return bytes
    }
}

/// What follows the header in every request about a lock.
package struct ILMLockPayload: Hashable, Sendable {
    package static let size = 80
    private static let magic: UInt32 = 0x4c4f_434b

    /// As it travels; see ``ILMMode``.
    package var mode: ILMMode
    /// So many paths follow.
    package var driveCount: UInt32
    package var lock: LockID
    package var timeoutMilliseconds: Int32

    package init(
        _ lock: LockID, mode: ILMMode = .unlocked, driveCount: Int = 0,
        timeoutMilliseconds: Int32 = 0
    ) {
        self.mode = mode
        self.driveCount = UInt32(driveCount)
        self.lock = lock
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Nil if that is no payload.
    package init?(_ bytes: some Sequence<UInt8>) {
        var reader = ByteReader(bytes)
        guard reader.littleEndian(UInt32.self) == Self.magic,
            let mode: UInt32 = reader.littleEndian(),
            let driveCount: UInt32 = reader.littleEndian(),
            let lock = reader.bytes(LockID.size).flatMap(LockID.init(bytes:)),
            let timeout: Int32 = reader.littleEndian()
        else { return nil }
        self.mode = ILMMode(rawValue: mode)
        self.driveCount = driveCount
        self.lock = lock
        self.timeoutMilliseconds = timeout
    }

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(self.mode.rawValue)
        bytes.appendLittleEndian(self.driveCount)
        bytes += self.lock.bytes
        bytes.appendLittleEndian(self.timeoutMilliseconds)
        return bytes
    }
}
