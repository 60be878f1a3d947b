/// The 512 bytes in which drives take and tell what is in a mutex. Integers have their highest byte
/// first; ids are written from their last byte to their first.
package enum MutexBlock {
    package static let size = 512
    /// Where the fields are.
    private enum Offset {
        static let state = 0x000
        static let time = 0x008
        static let countdown = 0x010
        static let mutexClass = 0x018
        static let value = 0x020
        static let lock = 0x040
        static let host = 0x0c0
    }

    /// What is to become of the value; the numbers are the drives'.
    private enum ValueUpdate {
        static let none: UInt8 = 0
        static let update: UInt8 = 1
    }

    package static func encode(_ change: MutexChange) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.size)
        block.put(change.hostTimeMilliseconds, at: Offset.time)
        block.put(change.countdownMilliseconds, at: Offset.countdown)
        block.put(change.mutexClass.rawValue, at: Offset.mutexClass)
        // The value's 7 bytes fill the lower part of the number.
        let update = change.value == nil ? ValueUpdate.none : ValueUpdate.update
        block.put(UInt64(update) << 56 | (change.value?.rawValue ?? 0), at: Offset.value)
        block.put(change.lock.bytes.reversed(), at: Offset.lock)
        block.put(change.host.bytes.reversed(), at: Offset.host)
        return block
    }

    /// Nil if that is no block of a change.
    package static func change(
        _ operation: MutexChange.Operation, in block: [UInt8]
    ) -> MutexChange? {
        guard block.count == Self.size, let ids = Self.ids(block),
            let mutexClass = MutexClass(rawValue: block.number(at: Offset.mutexClass))
        else { return nil }
        let value = block.number(at: Offset.value)
        return MutexChange(
            operation, ids.lock, by: ids.host, as: mutexClass,
            countdownMilliseconds: block.number(at: Offset.countdown),
            hostTimeMilliseconds: block.number(at: Offset.time),
            value: value >> 56 == UInt64(ValueUpdate.update) ? ChangeStamp(rawValue: value) : nil)
    }

    package static func encode(_ record: MutexRecord) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.size)
        block.put(UInt64(record.state.rawValue), at: Offset.state)
        block.put(record.modifiedMilliseconds, at: Offset.time)
        block.put(record.countdownMilliseconds, at: Offset.countdown)
        block.put(record.mutexClass.rawValue, at: Offset.mutexClass)
        block.put(record.value.rawValue, at: Offset.value)
        block.put(record.lock.bytes.reversed(), at: Offset.lock)
        block.put(record.host.bytes.reversed(), at: Offset.host)
        return block
    }

    /// A block that says that no records follow.
    package static let end: [UInt8] = {
        var block = [UInt8](repeating: 0, count: size)
        block.put(UInt64(MutexRecord.State.dead.rawValue), at: Offset.state)
        return block
    }()

    /// The records in many blocks, up to the end of them. One that means nothing is left out.
    package static func records(in bytes: [UInt8]) -> [MutexRecord] {
        var records: [MutexRecord] = []
        var rest = bytes[...]
        while rest.count >= Self.size {
            let block = Array(rest.prefix(Self.size))
            rest = rest.dropFirst(Self.size)
            let state = UInt32(truncatingIfNeeded: block.number(at: Offset.state))
            if state == MutexRecord.State.dead.rawValue { break }
            guard let state = MutexRecord.State(rawValue: state), let ids = Self.ids(block),
                let mutexClass = MutexClass(rawValue: block.number(at: Offset.mutexClass))
            else { continue }
            records.append(
                MutexRecord(
                    state: state, modifiedMilliseconds: block.number(at: Offset.time),
                    countdownMilliseconds: block.number(at: Offset.countdown),
                    mutexClass: mutexClass,
                    value: ChangeStamp(rawValue: block.number(at: Offset.value)), lock: ids.lock,
                    host: ids.host))
        }
        return records
    }

    private static func ids(_ block: [UInt8]) -> (lock: LockID, host: HostID)? {
        let lock = block[Offset.lock..<Offset.lock + LockID.size].reversed()
        let host = block[Offset.host..<Offset.host + HostID.size].reversed()
        guard let lock = LockID(bytes: Array(lock)), let host = HostID(bytes: Array(host)) else {
            return nil
        }
        return (lock, host)
    }

    // MARK: The page of counts

    /// How many records there are; of sixteen numbers only the first is ever used.
    package static func encode(count: Int, exclusive: Int, shared: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in [count, exclusive, 0, shared] {
            bytes.appendBigEndian(UInt16(clamping: number))
        }
        return bytes + repeatElement(0, count: Self.size - bytes.count)
    }

    package static func count(in bytes: [UInt8]) -> Int? {
        var reader = ByteReader(bytes)
        return reader.bigEndian(UInt16.self).map(Int.init)
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ number: UInt64, at offset: Int) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self.put($0, at: offset) }
    }

    fileprivate mutating func put(_ bytes: some Collection<UInt8>, at offset: Int) {
        self.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    fileprivate func number(at offset: Int) -> UInt64 {
        self[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
