public import LockCore

/// Every host can keep leases on storage; one whose capabilities do not include them refuses to.
extension InMemoryLockManager: LeaseStore {
    /// Leases are counted up and never given out again.
    public func allocateLease(
        _ request: LogicalVolumeRequest
    ) async throws(LockManagerError) -> String {
        let lockspace = Lockspace.ID(kind: self.kind, volumeGroup: request.volumeGroup)
        return try await self.withLeases(of: lockspace) { state, _ in state.leases.allocate() }
    }

    /// All that a lease holds here is the value block.
    public func freeLease(_ resource: Resource) async throws(LockManagerError) {
        try await self.withLeases(of: resource.id.lockspace) { state, _ in
            state.withLockspace(resource.id.lockspace) {
                $0.loseValue(of: resource.id.name, &$1)
            }
        }
    }

    /// There is always a free one.
    public func findFreeLease(
        in lockspace: Lockspace.ID, volumeBytes: UInt64
    ) async throws(LockManagerError) {
        try await self.withLeases(of: lockspace) { state, subject throws(LockManagerError) in
            try state.checkMember(subject)
        }
    }

    /// Values and generations ended with the old name; the global lock goes along.
    public func renameLeases(_ request: VolumeGroupRequest) async throws(LockManagerError) {
        let lockspace = request.lockspace(self.kind)
        try await self.withLeases(of: lockspace) { state, _ in state.rename(lockspace) }
    }

    /// In test mode this makes it so, if no other volume group carries the global lock.
    public func carriesGlobalLock(
        _ lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> Bool {
        try await self.withLeases(of: lockspace) { state, subject throws(LockManagerError) in
            try state.checkMember(subject)
            return state.carriesGlobalLock(lockspace)
        }
    }

    /// Several volume groups may carry a global lock, as they may on storage.
    public func setGlobalLock(
        _ lockspace: Lockspace.ID, enabled: Bool, exclusively: Bool
    ) async throws(LockManagerError) {
        try await self.withLeases(of: lockspace) { state, subject throws(LockManagerError) in
            try state.setGlobalLock(
                lockspace, enabled: enabled, exclusively: exclusively, subject)
        }
    }

    /// Knows the words that lvmlockd knows.
    public func supports(_ request: VolumeGroupRequest) async -> Bool {
        self.capabilities.leasesOnStorage && !request.wanted.isEmpty
            && MemoryArguments.words(request.wanted) != nil
    }

    /// Keeps the volume that carries the leases.
    public func changeArguments(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> String {
        try await self.withLeases(of: request.lockspace(self.kind)) {
            _, subject throws(LockManagerError) in
            guard let volume = MemoryArguments.name(in: request.arguments),
                let words = MemoryArguments.words(request.wanted)
            else { throw subject.failure(.badArguments) }
            return MemoryArguments.naming(volume: volume, words: words)
        }
    }

    private func withLeases<Answer>(
        of lockspace: Lockspace.ID,
        _ body: (inout ClusterState, CallSubject) throws(LockManagerError) -> Answer
    ) async throws(LockManagerError) -> Answer {
        let subject = self.subject(.leases, lockspace)
        guard self.capabilities.leasesOnStorage else { throw subject.failure(.notSupported) }
        return try await self.perform(subject) { state, _ throws(LockManagerError) in
            try body(&state, subject)
        }
    }
}

extension InMemoryLockManager: VolumeRefresher {
    /// The other hosts are in this process and keep nothing of the volume that could be old.
    public func refresh(path: String) async throws(LockManagerError) {
        let subject = self.subject(.refresh)
        guard self.rules.refreshesVolumes else { throw subject.failure(.notSupported) }
        try await self.perform(subject) { _, _ in }
    }
}

extension InMemoryLockManager: RemoteHolderSimulator {
    /// The holder is a host that does not exist, and holds until told otherwise.
    public func simulateRemoteHolder(_ resource: Resource.ID, _ mode: LockMode) async {
        self.box.withState { state in
            guard state.runs(self.host, process: self.process) else { return }
            state.withLockspace(resource.lockspace) {
                $0.simulateHolder(of: resource.name, mode, &$1)
            }
        }
    }
}
