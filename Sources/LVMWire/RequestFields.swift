import LockCore

/// A request's fields, found by name. Of a field that comes twice the first counts, as it does in
/// libdaemon, and an empty string is as good as none.
struct RequestFields {
    /// The fields that some request has.
    enum Key: String, CaseIterable {
        case request, cmd, pid, mode, opts, version, path
        case vgName = "vg_name"
        case vgUUID = "vg_uuid"
        case vgLockType = "vg_lock_type"
        case vgLockArguments = "vg_lock_args"
        case lvName = "lv_name"
        case lvUUID = "lv_uuid"
        case lvLockArguments = "lv_lock_args"
        case previousArguments = "prev_lv_args"
        case setArguments = "set_lock_args"
        case hostID = "host_id"
        case leaseMiB = "align_mb"
        case volumeBytes = "lv_size_bytes"
        case retries = "max_retries"
        case driveCount = "path_num"
    }

    /// Which characters a field may hold.
    enum Characters {
        /// What LVM allows in names.
        case name
        /// Visible ASCII: UUIDs, lock arguments and the like.
        case word
        /// Any text but control characters: paths.
        case text
    }

    private let text: [UInt8]
    private var known: [(key: Key, value: ConfigScanner.Value)] = []
    private var drives: [Int: ConfigScanner.Value] = [:]
    /// What the request asks for, once that is known; goes into errors.
    var operation: OperationNumber?

    init(_ frame: [UInt8]) throws(WireError) {
        self.text = frame
        self.known.reserveCapacity(16)
        var scanner = ConfigScanner(frame)
        do {
            while let field = try scanner.next() { self.add(field) }
        } catch {
            // The name usually comes first, and then even half a request can be answered.
            var error = error
            error.operation = RequestName(self)?.operation
            throw error
        }
    }

    private mutating func add(_ field: ConfigScanner.Field) {
        if let key = Self.key(self.text, field.key) {
            guard !self.has(key) else { return }
            self.known.append((key, field.value))
        } else if let index = Self.driveIndex(self.text, field.key), self.drives[index] == nil {
            self.drives[index] = field.value
        }
    }

    // MARK: Names of fields

    /// The keys by their length, so that few have to be compared.
    private static let keysByLength: [[(bytes: [UInt8], key: Key)]] = {
        var table: [[(bytes: [UInt8], key: Key)]] = []
        for key in Key.allCases {
            let bytes = Array(key.rawValue.utf8)
            while table.count <= bytes.count { table.append([]) }
            table[bytes.count].append((bytes, key))
        }
        return table
    }()

    private static func key(_ text: [UInt8], _ range: Range<Int>) -> Key? {
        guard range.count < self.keysByLength.count else { return nil }
        for (bytes, key) in self.keysByLength[range.count] {
            var at = 0
            while at < bytes.count, bytes[at] == text[range.lowerBound + at] { at += 1 }
            if at == bytes.count { return key }
        }
        return nil
    }

    private static let driveKeyStart = Array("path[".utf8)

    /// The index of a key of the form `path[index]`.
    private static func driveIndex(_ text: [UInt8], _ range: Range<Int>) -> Int? {
        let key = text[range]
        guard key.last == UInt8(ascii: "]"), key.starts(with: self.driveKeyStart) else {
            return nil
        }
        let digits = key.dropFirst(self.driveKeyStart.count).dropLast()
        guard !digits.isEmpty, digits.count <= 4 else { return nil }
        var index = 0
        for digit in digits {
            guard case let value = digit &- Byte.zero, value <= 9 else { return nil }
            index = index * 10 + Int(value)
        }
        return index < Limits.drives ? index : nil
    }

    // MARK: Values

    private func value(_ key: Key) -> ConfigScanner.Value? {
        self.known.first { $0.key == key }?.value
    }

    func has(_ key: Key) -> Bool {
        self.known.contains { $0.key == key }
    }

    /// The bytes of a field that is a string; nil if there is none, or an empty one.
    private func bytes(
        _ value: ConfigScanner.Value?, _ field: @autoclosure () -> String
    ) throws(WireError) -> ArraySlice<UInt8>? {
        switch value {
        case nil: return nil
        case .number: throw self.error(.badText, field())
        case .string(let range, let hasEscapes):
            guard !range.isEmpty else { return nil }
            return hasEscapes ? ConfigScanner.unescaped(self.text[range])[...] : self.text[range]
        }
    }

    /// A word such as an operation's, that only has to be compared; nil if there is none.
    func word(_ key: Key) -> String? {
        guard case .string(let range, _) = self.value(key), !range.isEmpty else { return nil }
        return String(decoding: self.text[range], as: UTF8.self)
    }

    /// A string; nil if it is missing, empty, or `none`.
    func string(
        _ key: Key, _ characters: Characters, limit: Int = .max
    ) throws(WireError) -> String? {
        let bytes = try self.bytes(self.value(key), key.rawValue)
        return try self.string(bytes, key.rawValue, characters, limit: limit)
    }

    private func string(
        _ bytes: ArraySlice<UInt8>?, _ field: @autoclosure () -> String, _ characters: Characters,
        limit: Int
    ) throws(WireError) -> String? {
        guard let bytes, !bytes.elementsEqual(Self.none) else { return nil }
        guard bytes.count <= limit else { throw self.error(.tooLong, field(), limit: limit) }
        guard bytes.allSatisfy({ Self.allowed($0, in: characters) }) else {
            throw self.error(.badText, field())
        }
        // Two names that differ in bytes must not become one by repair.
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw self.error(.badText, field())
        }
        return string
    }

    private static let none = Array("none".utf8)

    private static func allowed(_ byte: UInt8, in characters: Characters) -> Bool {
        switch characters {
        case .text: return byte >= Byte.space && byte != Byte.delete
        case .word: return byte > Byte.space && byte < Byte.delete
        case .name:
            switch byte {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: return true
            case 0x2B, 0x2D, 0x2E, 0x5F: return true  // + - . _
            default: return false
            }
        }
    }

    /// A string that nothing depends on but messages: cut and repaired rather than refused.
    func label(_ key: Key) -> String {
        guard case .string(let range, _) = self.value(key) else { return "" }
        let label = String(decoding: self.text[range].prefix(Limits.nameBytes), as: UTF8.self)
        return label == "none" ? "" : label
    }

    /// A number; nil if it is missing.
    func number<N: FixedWidthInteger>(
        _ key: Key, as type: N.Type = N.self
    ) throws(WireError) -> N? {
        switch self.value(key) {
        case nil: return nil
        case .number(let wide?):
            guard let number = N(exactly: wide) else { throw self.error(.badNumber, key.rawValue) }
            return number
        case .number(nil), .string: throw self.error(.badNumber, key.rawValue)
        }
    }

    /// Paths of drives, in the order of their numbers.
    func drivePaths() throws(WireError) -> [String] {
        guard let count: Int = try self.number(.driveCount), count != 0 else { return [] }
        guard count > 0 else { throw self.error(.badNumber, Key.driveCount.rawValue) }
        guard count <= Limits.drives else {
            throw self.error(.tooManyDrives, Key.driveCount.rawValue, limit: Limits.drives)
        }
        var paths: [String] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let field = "path[\(index)]"
            guard let bytes = try self.bytes(self.drives[index], field) else {
                throw self.error(.missingField, field)
            }
            // lvm writes `none` for a physical volume whose device is missing.
            if let path = try self.string(bytes, field, .text, limit: .max) { paths.append(path) }
        }
        return paths
    }

    func error(_ code: WireError.Code, _ field: String, limit: Int = 0) -> WireError {
        WireError(code, field: field, limit: limit, operation: self.operation)
    }
}
