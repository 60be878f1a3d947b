import LockCore

/// A request's fields, found by name. Of a field that comes twice the first counts, as it does in
/// libdaemon, and an empty string is as good as none.
struct RequestFields: ~Copyable {
    /// The fields that some request has.
    enum Key: Int, CaseIterable {
        case request, cmd, pid, mode, opts, version, path
        case vgName, vgUUID, vgLockType, vgLockArguments
        case lvName, lvUUID, lvLockArguments, previousArguments
        case setArguments, hostID, leaseMiB, volumeBytes, retries, driveCount

        /// The field's name in a request.
        var name: String {
            switch self {
            case .request: "request"
            case .cmd: "cmd"
            case .pid: "pid"
            case .mode: "mode"
            case .opts: "opts"
            case .version: "version"
            case .path: "path"
            case .vgName: "vg_name"
            case .vgUUID: "vg_uuid"
            case .vgLockType: "vg_lock_type"
            case .vgLockArguments: "vg_lock_args"
            case .lvName: "lv_name"
            case .lvUUID: "lv_uuid"
            case .lvLockArguments: "lv_lock_args"
            case .previousArguments: "prev_lv_args"
            case .setArguments: "set_lock_args"
            case .hostID: "host_id"
            case .leaseMiB: "align_mb"
            case .volumeBytes: "lv_size_bytes"
            case .retries: "max_retries"
            case .driveCount: "path_num"
            }
        }

        static let byName = WordTable(Self.allCases.map { ($0.name, $0) })
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
    /// What each known field holds, by the key's number.
    private var values = Self.noValues
    private var drives: [Int: ConfigScanner.Value] = [:]
    /// What the request asks for, once that is known; goes into errors.
    var operation: OperationNumber?

    init(_ frame: [UInt8]) throws(WireError) {
        self.text = frame
        let text = frame.span
        var scanner = ConfigScanner()
        do {
            while let field = try scanner.next(in: text) { self.add(field, in: text) }
        } catch {
            // The name usually comes first, and then even half a request can be answered.
            var error = error
            error.operation = RequestName(self)?.operation
            throw error
        }
    }

    private mutating func add(_ field: ConfigScanner.Field, in text: Span<UInt8>) {
        let name = text.extracting(field.key)
        if let key = Key.byName[name] {
            if self.values[key.rawValue] == nil { self.values[key.rawValue] = field.value }
        } else if let index = Self.driveIndex(name), self.drives[index] == nil {
            self.drives[index] = field.value
        }
    }

    /// The index of a key of the form `path[index]`.
    private static func driveIndex(_ key: Span<UInt8>) -> Int? {
        let start: StaticString = "path["
        guard key.count > start.utf8CodeUnitCount, key[key.count - 1] == UInt8(ascii: "]"),
            Self.starts(key, with: start)
        else { return nil }
        let digits = start.utf8CodeUnitCount..<key.count - 1
        guard !digits.isEmpty, digits.count <= 4 else { return nil }
        var index = 0
        for at in digits {
            guard case let digit = key[at] &- Byte.zero, digit <= 9 else { return nil }
            index = index * 10 + Int(digit)
        }
        return index < Limits.drives ? index : nil
    }

    private static func starts(_ text: Span<UInt8>, with word: StaticString) -> Bool {
        word.withUTF8Buffer { word in
            guard word.count <= text.count else { return false }
            for at in word.indices where text[at] != word[at] { return false }
            return true
        }
    }

    // MARK: Values

    private static let noValues = [ConfigScanner.Value?](
        repeating: nil, count: Key.allCases.count)

    private func value(_ key: Key) -> ConfigScanner.Value? {
        self.values[key.rawValue]
    }

    /// A word that only has to be recognised; nil if there is none, or none of these.
    func word<Meaning>(_ key: Key, among words: WordTable<Meaning>) -> Meaning? {
        guard case .string(let range, _) = self.value(key) else { return nil }
        return words[self.text.span.extracting(range)]
    }

    /// The options that a field lists, separated by commas or white space.
    func options<Options: OptionSet>(
        _ key: Key, among words: WordTable<Options>
    ) -> Options where Options.Element == Options {
        var options: Options = []
        guard case .string(let range, _) = self.value(key) else { return options }
        let text = self.text.span
        var start = range.lowerBound
        for at in range.lowerBound...range.upperBound {
            guard at == range.upperBound || text[at] == UInt8(ascii: ",") || text[at] <= Byte.space
            else { continue }
            if let option = words[text.extracting(start..<at)] { options.insert(option) }
            start = at + 1
        }
        return options
    }

    /// A string; nil if it is missing, empty, or `none`.
    func string(
        _ key: Key, _ characters: Characters, limit: Int = .max
    ) throws(WireError) -> String? {
        guard let value = self.value(key) else { return nil }
        return try self.string(value, key.name, characters, limit: limit)
    }

    private func string(
        _ value: ConfigScanner.Value, _ field: @autoclosure () -> String,
        _ characters: Characters, limit: Int
    ) throws(WireError) -> String? {
        guard case .string(let range, let hasEscapes) = value else {
            throw self.error(.badText, field())
        }
        let content = self.text.span.extracting(range)
        guard hasEscapes else {
            return try self.string(content, field(), characters, limit: limit)
        }
        let plain = ConfigScanner.unescaped(content)
        return try self.string(plain.span, field(), characters, limit: limit)
    }

    private func string(
        _ bytes: Span<UInt8>, _ field: @autoclosure () -> String, _ characters: Characters,
        limit: Int
    ) throws(WireError) -> String? {
        guard !bytes.isEmpty, !(bytes.count == 4 && Self.starts(bytes, with: "none")) else {
            return nil
        }
        guard bytes.count <= limit else { throw self.error(.tooLong, field(), limit: limit) }
        for at in bytes.indices where !Self.allowed(bytes[at], in: characters) {
            throw self.error(.badText, field())
        }
        // Two names that differ in bytes must not become one by repair.
        guard let text = try? UTF8Span(validating: bytes) else {
            throw self.error(.badText, field())
        }
        return String(copying: text)
    }

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
            guard let number = N(exactly: wide) else { throw self.error(.badNumber, key.name) }
            return number
        case .number(nil), .string: throw self.error(.badNumber, key.name)
        }
    }

    /// Paths of drives, in the order of their numbers.
    func drivePaths() throws(WireError) -> [String] {
        guard let count: Int = try self.number(.driveCount), count != 0 else { return [] }
        guard count > 0 else { throw self.error(.badNumber, Key.driveCount.name) }
        guard count <= Limits.drives else {
            throw self.error(.tooManyDrives, Key.driveCount.name, limit: Limits.drives)
        }
        var paths: [String] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let field = "path[\(index)]"
            guard let drive = self.drives[index], !drive.isEmpty else {
                throw self.error(.missingField, field)
            }
            // lvm writes `none` for a physical volume whose device is missing.
            if let path = try self.string(drive, field, .text, limit: .max) { paths.append(path) }
        }
        return paths
    }

    func error(_ code: WireError.Code, _ field: String, limit: Int = 0) -> WireError {
        WireError(code, field: field, limit: limit, operation: self.operation)
    }
}
