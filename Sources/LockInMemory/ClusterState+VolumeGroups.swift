import LockCore

/// Volume groups from their creation on: lock arguments, membership, and who carries the global
/// lock.
extension ClusterState {
    private var rules: InMemoryCluster.Configuration { self.context.rules }

    mutating func initialise(
        _ request: VolumeGroupRequest, _ subject: CallSubject
    ) throws(LockManagerError) -> VolumeGroupArguments {
        switch self.rules.arguments {
        case .none: return VolumeGroupArguments("")
        case .cluster(let name): return VolumeGroupArguments("1.0.0:\(name)")
        case .leaseVolume: break
        }
        guard !request.arguments.isEmpty, request.arguments != "none" else {
            throw subject.failure(.badArguments, advice: "name the volume for the leases")
        }
        guard let words = MemoryArguments.words(request.wanted) else {
            throw subject.failure(.badArguments, advice: "unknown words in \(request.wanted)")
        }
        let id = request.lockspace(self.rules.kind)
        let isFirst = !self.anotherCarriesGlobalLock(than: id)
        let carries = self.rules.mirrorsTestMode ? isFirst : request.globalLock ?? isFirst
        self.withLockspace(id) { space, _ in space.carriesGlobalLock = carries }
        return VolumeGroupArguments(
            MemoryArguments.naming(
                volume: request.arguments[...], words: self.rules.mirrorsTestMode ? [] : words),
            carriesGlobalLock: carries)
    }

    mutating func prepare(
        _ lockspace: Lockspace, _ subject: CallSubject
    ) throws(LockManagerError) -> Prepared {
        try self.checkDevice(of: lockspace, subject)
        let hostID = lockspace.hostID.map(Int.init)
        guard (hostID ?? (self.rules.requiresHostID ? 0 : 1)) >= 1,
            hostID ?? 1 <= self.rules.capabilities.mostHosts
        else {
            throw subject.failure(
                .badHostID, advice: "use 1 to \(self.rules.capabilities.mostHosts)")
        }
        let carries = self.carriesGlobalLock(lockspace.id)
        let joined = self.lockspaces[lockspace.id]?.generations[subject.host] ?? 0
        return Prepared(
            lockspace, previousGeneration: self.rules.countsGenerations ? joined : 0,
            carriesGlobalLock: carries)
    }

    mutating func join(
        _ lockspace: Lockspace, _ options: JoinOptions, _ subject: CallSubject
    ) throws(LockManagerError) -> Membership {
        var membership = try self.withLockspace(lockspace.id) {
            space, context throws(LockManagerError) in
            try space.join(lockspace, adopting: options.adopting, subject, &context)
        }
        if !self.rules.countsGenerations { membership.generation = 0 }
        return membership
    }

    mutating func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason, _ subject: CallSubject
    ) throws(LockManagerError) {
        let wasCarrier = self.lockspaces[lockspace]?.carriesGlobalLock ?? false
        try self.withLockspace(lockspace) { space, context throws(LockManagerError) in
            switch space.members[subject.host]?.standing {
            case .live, .leftBehind, .lost: space.end(subject.host, &context)
            case .failing, nil: throw subject.failure(.lockspaceNotFound)
            }
            switch reason {
            case .removed, .renamed: space.wipe(&context)
            case .stopped, .dropped, .argumentsChange: break
            }
            // lvmlockd forgets the volume group with the global lock when that is stopped; in test
            // mode no lease remembers it.
            if context.rules.mirrorsTestMode { space.carriesGlobalLock = false }
        }
        if reason == .renamed && wasCarrier && !self.rules.mirrorsTestMode {
            self.leases.isCarrierBeingRenamed = true
        }
    }

    // MARK: The global lock

    /// Does the volume group carry the global lock? In test mode it does from now on, if no other
    /// does: lvmlockd finds it enabled wherever it looks.
    mutating func carriesGlobalLock(_ id: Lockspace.ID) -> Bool {
        guard self.rules.capabilities.globalLock == .inVolumeGroup else { return false }
        if self.rules.mirrorsTestMode && !self.anotherCarriesGlobalLock(than: id) {
            self.withLockspace(id) { space, _ in space.carriesGlobalLock = true }
        }
        return self.lockspaces[id]?.carriesGlobalLock ?? false
    }

    mutating func setGlobalLock(
        _ id: Lockspace.ID, enabled: Bool, exclusively: Bool, _ subject: CallSubject
    ) throws(LockManagerError) {
        // lvmlockd's test mode skips the exclusive change altogether.
        if exclusively && self.rules.mirrorsTestMode { return }
        try self.withLockspace(id) { space, _ throws(LockManagerError) in
            try space.member(subject)
            let holder = space.resources[.global]?.obstacle(for: subject.host, .exclusive)
            guard !exclusively || holder == nil else {
                throw subject.failure(.contended, advice: "another host holds the global lock")
            }
            space.carriesGlobalLock = enabled
        }
    }

    /// A volume group that was renamed takes the global lock along.
    mutating func rename(_ id: Lockspace.ID) {
        guard self.leases.isCarrierBeingRenamed else { return }
        self.leases.isCarrierBeingRenamed = false
        self.withLockspace(id) { space, _ in space.carriesGlobalLock = true }
    }

    private func anotherCarriesGlobalLock(than id: Lockspace.ID) -> Bool {
        self.lockspaces.values.contains { $0.carriesGlobalLock && $0.id != id }
    }

    private func checkDevice(
        of lockspace: Lockspace, _ subject: CallSubject
    ) throws(LockManagerError) {
        guard let exists = self.rules.leaseDeviceExists,
            let volume = MemoryArguments.name(in: lockspace.arguments)
        else { return }
        let path = MemoryArguments.devicePath(
            volumeGroup: lockspace.volumeGroup, volume: volume)
        guard exists(path) else {
            throw subject.failure(.badArguments, advice: "\(path) does not exist; activate it")
        }
    }
}

extension InMemoryCluster.Configuration {
    /// Refuses to start a volume group whose lock arguments are not for this cluster.
    func checkArguments(
        of lockspace: Lockspace, _ subject: CallSubject
    ) throws(LockManagerError) {
        let name = MemoryArguments.name(in: lockspace.arguments)
        switch self.arguments {
        case .none: return
        case .cluster(let cluster):
            if lockspace.arguments.isEmpty || self.mirrorsTestMode || name == cluster[...] {
                return
            }
            throw subject.failure(.badArguments, advice: "this cluster is called \(cluster)")
        case .leaseVolume:
            if name != nil { return }
            throw subject.failure(.badArguments, advice: "they name no volume with leases")
        }
    }
}
