import LockCore

// Options, requests, answers, errors and events of the `LockManager` protocol.

extension JoinOptions: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            adopting: try reader.read(), withoutDelay: try reader.read(),
            repairing: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.adopting)
        writer.write(self.withoutDelay)
        writer.write(self.repairing)
    }
}

extension AcquireOptions: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            waiting: try reader.read(), adopting: try reader.read(), repairing: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.waiting)
        writer.write(self.adopting)
        writer.write(self.repairing)
    }
}

extension Prepared: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            try reader.read(), previousGeneration: try reader.read(),
            carriesGlobalLock: try reader.read(), joinTakesUpTo: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.lockspace)
        writer.write(self.previousGeneration)
        writer.write(self.carriesGlobalLock)
        writer.write(self.joinTakesUpTo)
    }
}

extension Membership: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: ID(try reader.read()), hostID: try reader.read(), generation: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.id.rawValue)
        writer.write(self.hostID)
        writer.write(self.generation)
    }
}

extension Grant: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: ID(try reader.read()), value: try reader.read(),
            token: try reader.read(UInt64?.self).map(FencingToken.init(rawValue:)))
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.id.rawValue)
        writer.write(self.value)
        writer.write(self.token?.rawValue)
    }
}

extension AcquireOutcome: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .granted(try reader.read())
        case 1:
            self = .contended(
                Contention(owner: try reader.read(), isPassing: try reader.read()))
        case 2: self = .noOrphan
        case 3: self = .orphanInOtherMode
        case let other: throw WireError(reason: "\(other) is no outcome")
        }
    }
    func write(to writer: inout WireWriter) {
        switch self {
        case .granted(let grant):
            writer.writeByte(0)
            writer.write(grant)
        case .contended(let contention):
            writer.writeByte(1)
            writer.write(contention.owner)
            writer.write(contention.isPassing)
        case .noOrphan: writer.writeByte(2)
        case .orphanInOtherMode: writer.writeByte(3)
        }
    }
}

extension VolumeGroupRequest: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            volumeGroup: try reader.read(), arguments: try reader.read(),
            wanted: try reader.read(), leaseMiB: try reader.read(),
            globalLock: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.volumeGroup)
        writer.write(self.arguments)
        writer.write(self.wanted)
        writer.write(self.leaseMiB)
        writer.write(self.globalLock)
    }
}

extension VolumeGroupArguments: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(try reader.read(), carriesGlobalLock: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.arguments)
        writer.write(self.carriesGlobalLock)
    }
}

extension LogicalVolumeRequest: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            volumeGroup: try reader.read(), groupArguments: try reader.read(),
            volume: LogicalVolume(
                uuid: try reader.read(), name: try reader.read(), arguments: try reader.read(),
                drives: try reader.read()),
            previousArguments: try reader.read(), volumeBytes: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.volumeGroup)
        writer.write(self.groupArguments)
        writer.write(self.volume.uuid)
        writer.write(self.volume.name)
        writer.write(self.volume.arguments)
        writer.write(self.volume.drives)
        writer.write(self.previousArguments)
        writer.write(self.volumeBytes)
    }
}

extension LockManagerError: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let word = try reader.read(String.self)
        guard let code = LockErrorCode.allCases.first(where: { "\($0)" == word }) else {
            throw WireError(reason: "\(word) is no error")
        }
        let isUnknown = try reader.read(Bool.self)
        let layer = try reader.read(String.self)
        self.init(
            code, hold: isUnknown ? .unknown : .unchanged,
            layer: Layer(rawValue: layer) ?? .manager, doing: try reader.read(),
            status: try reader.read(Int?.self).map { Int32(truncatingIfNeeded: $0) },
            advice: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write("\(self.code)")
        writer.write(self.hold == .unknown)
        writer.write(self.layer.rawValue)
        writer.write(self.doing)
        writer.write(self.status.map { Int($0) })
        writer.write(self.advice)
    }
}

extension LockManagerEvent: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        let lockspace = try reader.read(Lockspace.ID.self)
        let membership = Membership.ID(try reader.read())
        switch try reader.readByte() {
        case 0:
            self.init(
                lockspace: lockspace, membership: membership,
                what: .lost(reason: try reader.read(), certainFor: try reader.read()))
        case 1:
            self.init(
                lockspace: lockspace, membership: membership,
                what: .wanted(try reader.read(), by: Grant.ID(try reader.read())))
        case let other: throw WireError(reason: "\(other) is no event")
        }
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.lockspace)
        writer.write(self.membership.rawValue)
        switch self.what {
        case .lost(let reason, let certainFor):
            writer.writeByte(0)
            writer.write(reason)
            writer.write(certainFor)
        case .wanted(let name, let grant):
            writer.writeByte(1)
            writer.write(name)
            writer.write(grant.rawValue)
        }
    }
}

extension LockManagerCapabilities: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            waitsInQueue: try reader.read(), valueBlock: try reader.read(),
            adoption: try reader.read(), ownerInformation: try reader.read(),
            fencingTokens: try reader.read(), leasesOnStorage: try reader.read(),
            globalLock: try reader.read(Bool.self) ? .inVolumeGroup : .ownLockspace,
            longestLockspaceName: try reader.read(), longestResourceName: try reader.read(),
            mostHosts: try reader.read())
    }
    func write(to writer: inout WireWriter) {
        writer.write(self.waitsInQueue)
        writer.write(self.valueBlock)
        writer.write(self.adoption)
        writer.write(self.ownerInformation)
        writer.write(self.fencingTokens)
        writer.write(self.leasesOnStorage)
        writer.write(self.globalLock == .inVolumeGroup)
        writer.write(self.longestLockspaceName)
        writer.write(self.longestResourceName)
        writer.write(self.mostHosts)
    }
}

extension LockManagerCapabilities.ValueBlockSupport: WireValue {
    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readByte() {
        case 0: self = .none
        case 1: self = .changeStamp
        case 2: self = .bytes(try reader.read())
        case let other: throw WireError(reason: "\(other) is no kind of value block")
        }
    }
    func write(to writer: inout WireWriter) {
        switch self {
        case .none: writer.writeByte(0)
        case .changeStamp: writer.writeByte(1)
        case .bytes(let count):
            writer.writeByte(2)
            writer.write(count)
        }
    }
}
