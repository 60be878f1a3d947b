import LockCore

/// What all requests have in common, and how each becomes an action's operation.
struct RequestContext: ~Copyable {
    /// lvmlockd's `DEFAULT_MAX_RETRIES`.
    static let defaultRetries = 4

    let fields: RequestFields
    let volumeGroup: String
    let kind: LockManagerKind?
    let options: Action.Options

    init(_ name: RequestName, _ fields: consuming RequestFields) throws(WireError) {
        let volumeGroup = try fields.string(.vgName, .name, limit: Limits.nameBytes) ?? ""
        if volumeGroup.isEmpty, name.needsVolumeGroup {
            throw fields.error(.missingField, RequestFields.Key.vgName.name)
        }
        let type = try fields.string(.vgLockType, .word, limit: Limits.nameBytes)
        // Only for requests about a volume group; the global lock's must not depend on one.
        self.volumeGroup = name.needsVolumeGroup ? volumeGroup : ""
        self.kind = type.map(LockManagerKind.init(rawValue:))
        self.options = fields.options(.opts, among: Action.Options.byWord)
        self.fields = fields
    }

    /// The operation, or nil if lvmlockd answers -22.
    func operation(_ name: RequestName) throws(WireError) -> Action.Operation? {
        switch name {
        case .hello, .info, .dump: nil
        case .lockGlobal, .lockVG, .lockLV: try self.lock(name)
        case .queryVG: .queryLock(.volumeGroup)
        case .queryLV: .queryLock(.logicalVolume(try self.logicalVolume()))
        case .setRemoteLV: try self.simulateRemoteLock()
        case .initVG: .initialiseVolumeGroup(try self.volumeGroupRequest())
        case .initLV: .initialiseLogicalVolume(try self.logicalVolumeRequest())
        case .startVG: try self.start()
        case .renameFinal: .renameFinal(try self.volumeGroupRequest())
        case .setArgumentsBefore: .changeArgumentsBefore(try self.volumeGroupRequest())
        case .setArgumentsFinal: .changeArgumentsFinal(try self.volumeGroupRequest())
        case .freeLV: .freeLogicalVolume(try self.logicalVolume())
        case .vgUpdate: .update(version: try self.fields.number(.version) ?? 0)
        case .findFreeLock: .findFreeLease(volumeBytes: try self.fields.number(.volumeBytes) ?? 0)
        case .refreshLV: try self.refresh()
        default: Self.operationWithoutFields(name)
        }
    }

    private static func operationWithoutFields(_ name: RequestName) -> Action.Operation? {
        switch name {
        case .quit: .quit
        case .freeVG: .freeVolumeGroup
        case .busyVG: .busy
        case .stopVG: .stop
        case .startWait: .startWait
        case .vgStatus: .volumeGroupStatus
        case .stopAll: .stopAll
        case .enableGlobal: .enableGlobalLock
        case .disableGlobal: .disableGlobalLock
        case .renameBefore: .renameBefore
        case .runningManager: .runningManager
        case .killVG: .kill
        case .dropVG: .drop
        default: nil
        }
    }

    // MARK: Operations with fields

    private func lock(_ name: RequestName) throws(WireError) -> Action.Operation {
        let target: Action.Target
        let waiting: Waiting
        switch name {
        case .lockGlobal, .lockVG:
            target = name == .lockGlobal ? .global : .volumeGroup
            waiting = .retries(try self.retries())
        default:
            target = .logicalVolume(try self.logicalVolume())
            waiting = .passingConflicts(retries: try self.retries())
        }
        switch self.fields.word(.mode, among: LockMode.byWord) {
        case .unlocked: return .unlock(target)
        case .shared: return .lock(target, .shared, waiting)
        case .exclusive: return .lock(target, .exclusive, waiting)
        // No lock has such a mode: for the service to say, if the lockspace is there at all.
        case .null, nil: return .lock(target, .null, waiting)
        }
    }

    /// Within the 32 bits that lvmlockd counts in, and so far from any overflow.
    private func retries() throws(WireError) -> Int {
        let asked = try self.fields.number(.retries, as: Int.self) ?? Self.defaultRetries
        return min(max(asked, -1), Int(Int32.max))
    }

    private func start() throws(WireError) -> Action.Operation? {
        guard let kind = self.kind else { return nil }
        let hostID: UInt32 = try self.fields.number(.hostID) ?? 0
        return .start(
            Lockspace(
                volumeGroup: self.volumeGroup, kind: kind,
                uuid: try self.word(.vgUUID, limit: Limits.nameBytes),
                arguments: try self.word(.vgLockArguments, limit: Limits.argumentsBytes),
                drives: try self.fields.drivePaths(), hostID: hostID == 0 ? nil : hostID))
    }

    /// Any mode but shared and exclusive takes the simulated holder away, as upstream does.
    private func simulateRemoteLock() throws(WireError) -> Action.Operation {
        let uuid = try self.uuid()
        return switch self.fields.word(.mode, among: LockMode.byWord) {
        case .shared: .simulateRemoteLock(uuid: uuid, .shared)
        case .exclusive: .simulateRemoteLock(uuid: uuid, .exclusive)
        case .unlocked, .null, nil: .simulateRemoteLock(uuid: uuid, .unlocked)
        }
    }

    private func refresh() throws(WireError) -> Action.Operation {
        guard let path = try self.fields.string(.path, .text) else {
            throw self.fields.error(.missingField, RequestFields.Key.path.name)
        }
        return .refreshLogicalVolume(path: path)
    }

    // MARK: Groups of fields

    private func word(
        _ key: RequestFields.Key, limit: Int
    ) throws(WireError) -> String {
        try self.fields.string(key, .word, limit: limit) ?? ""
    }

    private func uuid() throws(WireError) -> String {
        let uuid = try self.word(.lvUUID, limit: Limits.nameBytes)
        guard !uuid.isEmpty else {
            throw self.fields.error(.missingField, RequestFields.Key.lvUUID.name)
        }
        return uuid
    }

    private func logicalVolume() throws(WireError) -> LogicalVolume {
        LogicalVolume(
            uuid: try self.uuid(), name: self.fields.label(.lvName),
            arguments: try self.word(.lvLockArguments, limit: Limits.argumentsBytes),
            drives: try self.fields.drivePaths())
    }

    private func volumeGroupRequest() throws(WireError) -> VolumeGroupRequest {
        let leaseMiB: UInt16 = try self.fields.number(.leaseMiB) ?? 0
        var globalLock: Bool?
        if self.options.contains(.disable) { globalLock = false }
        if self.options.contains(.enable) { globalLock = true }
        return VolumeGroupRequest(
            volumeGroup: self.volumeGroup,
            arguments: try self.word(.vgLockArguments, limit: Limits.argumentsBytes),
            wanted: try self.fields.string(.setArguments, .text, limit: Limits.argumentsBytes)
                ?? "",
            leaseMiB: Int(leaseMiB), globalLock: globalLock)
    }

    private func logicalVolumeRequest() throws(WireError) -> LogicalVolumeRequest {
        LogicalVolumeRequest(
            volumeGroup: self.volumeGroup,
            groupArguments: try self.word(.vgLockArguments, limit: Limits.argumentsBytes),
            volume: try self.logicalVolume(),
            previousArguments: try self.word(.previousArguments, limit: Limits.argumentsBytes),
            volumeBytes: try self.fields.number(.volumeBytes) ?? 0)
    }
}
