import LockCore

// The values of the `LockManager` protocol that calls carry.

extension LockManagerKind: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(rawValue: try reader.read())
    }
    func write(to writer: inout WireWriter) { writer.write(self.rawValue) }
}

extension Lockspace.ID: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(kind: try reader.read(), name: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.kind)
        writer.write(self.name)
    }
}

extension Lockspace: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let id = try reader.read(ID.self)
        self.init(
            volumeGroup: try reader.read(), kind: id.kind, uuid: try reader.read(),
            arguments: try reader.read(), drives: try reader.read(),
            hostID: try reader.read(Int?.self).map { UInt32(truncatingIfNeeded: $0) })
        self.id = id
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.id)
        writer.write(self.volumeGroup)
        writer.write(self.volumeGroupUUID)
        writer.write(self.arguments)
        writer.write(self.drives)
        writer.write(self.hostID.map { Int($0) })
    }
}

extension Resource.Name: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .global
        case 1: self = .volumeGroup
        case 2: self = .logicalVolume(try reader.read())
        case let other: throw WireError(reason: "\(other) is no resource")
        }
    }
    func write(to writer: inout WireWriter) {
        switch self {
        case .global: writer.writeByte(0)
        case .volumeGroup: writer.writeByte(1)
        case .logicalVolume(let uuid):
            writer.writeByte(2)
            writer.write(uuid)
        }
    }
}

extension Resource.ID: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(lockspace: try reader.read(), name: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.lockspace)
        writer.write(self.name)
    }
}

extension Resource: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(try reader.read(), arguments: try reader.read(), drives: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.id)
        writer.write(self.arguments)
        writer.write(self.drives)
    }
}

extension LockMode: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let number = try reader.readByte()
        guard let mode = LockMode(rawValue: Int(number)) else {
            throw WireError(reason: "\(number) is no mode")
        }
        self = mode
    }
    func write(to writer: inout WireWriter) { writer.writeByte(UInt8(self.rawValue)) }
}

extension ValueBlock: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            format: UInt16(truncatingIfNeeded: try reader.read(Int.self)),
            flags: Flags(rawValue: UInt16(truncatingIfNeeded: try reader.read(Int.self))),
            resourceVersion: UInt32(truncatingIfNeeded: try reader.read(Int.self)))
    }
    func write(to writer: inout WireWriter) {
        writer.write(Int(self.format))
        writer.write(Int(self.flags.rawValue))
        writer.write(Int(self.resourceVersion))
    }
}

extension ValueBlockReading: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .unknown
        case 1: self = .unchanged
        case 2: self = .changed
        case 3: self = .value(try reader.read())
        case let other: throw WireError(reason: "\(other) is no reading")
        }
    }
    func write(to writer: inout WireWriter) {
        switch self {
        case .unknown: writer.writeByte(0)
        case .unchanged: writer.writeByte(1)
        case .changed: writer.writeByte(2)
        case .value(let block):
            writer.writeByte(3)
            writer.write(block)
        }
    }
}

extension Host: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try reader.read(), generation: try reader.read(), timestamp: try reader.read())
        let word = try reader.read(String.self)
        guard let state = State(rawValue: word) else {
            throw WireError(reason: "\(word) is no state of a host")
        }
        self.state = state
        self.name = try reader.read()
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.id)
        writer.write(self.generation)
        writer.write(self.timestamp)
        writer.write(self.state.rawValue)
        writer.write(self.name)
    }
}

extension OtherHosts: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .none
        case 1: self = .count(try reader.read())
        case 2: self = .unknown
        case let other: throw WireError(reason: "\(other) says nothing about hosts")
        }
    }
    func write(to writer: inout WireWriter) {
        switch self {
        case .none: writer.writeByte(0)
        case .count(let count):
            writer.writeByte(1)
            writer.write(count)
        case .unknown: writer.writeByte(2)
        }
    }
}

extension Adoption: WireValue {
    private static let all = [Adoption.none, .allowed, .required]

    init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readChoice(of: Self.all)
    }
    func write(to writer: inout WireWriter) { writer.writeChoice(self, of: Self.all) }
}

extension LeaveReason: WireValue {
    private static let all = [
        LeaveReason.stopped, .removed, .dropped, .renamed, .argumentsChange,
    ]

    init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readChoice(of: Self.all)
    }
    func write(to writer: inout WireWriter) { writer.writeChoice(self, of: Self.all) }
}

extension WireReader {
    mutating func readChoice<Value>(of all: [Value]) throws(WireError) -> Value {
        let number = Int(try self.readByte())
        guard all.indices.contains(number) else {
            throw WireError(reason: "\(number) is none of \(all)")
        }
        return all[number]
    }
}

extension WireWriter {
    mutating func writeChoice<Value: Equatable>(_ value: Value, of all: [Value]) {
        guard let number = all.firstIndex(of: value) else {
            preconditionFailure("\(value) is not among its own cases")
        }
        self.writeByte(UInt8(number))
    }
}
