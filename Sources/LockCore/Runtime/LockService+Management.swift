// Actions that concern no lockspace, or one that is not joined: they go to the lock manager.
extension LockService {
    /// Carries out an action that takes no part in the queues of a lockspace.
    func carryOut(_ action: Action, _ id: ActionID) async {
        let reply: Reply
        do throws(LockManagerError) {
            reply = try await self.reply(to: action)
        } catch {
            reply = Reply(error)
        }
        let runner = self.runners[action.volumeGroup]
        if case .volumeGroupStatus = action.operation { self.pending[id]?.runner = runner }
        self.answer(id, reply, from: runner)
    }

    private func reply(to action: Action) async throws(LockManagerError) -> Reply {
        switch action.operation {
        case .initialiseVolumeGroup(let request):
            return try await self.initialise(request, action.kind)
        case .initialiseLogicalVolume(let request):
            return try await self.initialise(request, action.kind)
        case .renameFinal(let request):
            return try await self.rename(request, action.kind)
        case .changeArgumentsFinal(let request):
            return try await self.changeArguments(request, action.kind)
        case .runningManager:
            return await self.runningManager()
        case .volumeGroupStatus:
            guard let runner = self.runners[action.volumeGroup] else { return Reply(.notHeld) }
            let host = try await self.manager(runner.id.kind)?.localHost(in: runner.id)
            return host.map { Reply(content: .host($0)) } ?? .done
        case .refreshLogicalVolume(let path):
            for case let refresher as any VolumeRefresher in self.managers {
                try await refresher.refresh(path: path)
                return .done
            }
            return Reply(.notSupported)
        default:
            preconditionFailure("not an action for the managers: \(action)")
        }
    }

    private func initialise(
        _ request: VolumeGroupRequest, _ kind: LockManagerKind?
    ) async throws(LockManagerError) -> Reply {
        guard let kind, let manager = self.manager(kind) else { return Reply(.invalidRequest) }
        let lockspace = request.lockspace(kind)
        if let refusal = self.refusal(toName: lockspace, manager) { return refusal }
        guard self.runners[request.volumeGroup] == nil else {
            let message = "a volume group \(request.volumeGroup) has its lockspace started"
            return Reply(.nameCollision, message: message)
        }
        var request = request
        let isFirst = !self.runners.values.contains { $0.id.kind == kind }
        // Where other volume groups are in use, one of them has it, or the administrator chooses.
        if !isFirst || !self.globalLock.mayEnable(kind) {
            request.globalLock = request.globalLock ?? false
        }
        let made = try await manager.initialise(request)
        if made.carriesGlobalLock { self.globalLock.carrierFound(lockspace, isJoined: false) }
        return Reply(content: .arguments(volumeGroup: made.arguments, logicalVolume: ""))
    }

    private func initialise(
        _ request: LogicalVolumeRequest, _ kind: LockManagerKind?
    ) async throws(LockManagerError) -> Reply {
        let joined = self.runners[request.volumeGroup]?.id.kind
        guard let kind = kind ?? joined, kind == joined ?? kind, let manager = self.manager(kind)
        else { return Reply(.invalidRequest) }
        var arguments = request.volume.arguments
        if manager.capabilities.leasesOnStorage, let store = manager as? any LeaseStore {
            arguments = try await store.allocateLease(request)
        }
        return Reply(
            content: .arguments(volumeGroup: request.groupArguments, logicalVolume: arguments))
    }

    private func rename(
        _ request: VolumeGroupRequest, _ kind: LockManagerKind?
    ) async throws(LockManagerError) -> Reply {
        guard let kind, let manager = self.manager(kind) else { return Reply(.invalidRequest) }
        guard manager.capabilities.leasesOnStorage, let store = manager as? any LeaseStore else {
            return .done
        }
        try await store.renameLeases(request)
        return .done
    }

    /// Refuses before the lockspace is stopped what would be refused after it.
    func argumentsChangeRequested(
        _ request: VolumeGroupRequest, _ action: Action, _ id: ActionID, _ pending: Pending
    ) async {
        if let runner = self.runners[action.volumeGroup],
            let store = self.manager(runner.id.kind) as? any LeaseStore,
            await !store.supports(request)
        {
            let message = "\(runner.id.kind) cannot keep the lock arguments \(request.wanted)"
            return self.answer(id, Reply(.notSupported, message: message), from: runner)
        }
        if self.pending[id] != nil { self.forwardToVolumeGroup(action, id, pending) }
    }

    private func changeArguments(
        _ request: VolumeGroupRequest, _ kind: LockManagerKind?
    ) async throws(LockManagerError) -> Reply {
        guard let kind, let manager = self.manager(kind) as? any LeaseStore,
            manager.capabilities.leasesOnStorage
        else { return Reply(.invalidRequest) }
        guard self.runners[request.volumeGroup] == nil else { return Reply(.contended) }
        guard await manager.supports(request) else { return Reply(.notSupported) }
        let arguments = try await manager.changeArguments(request)
        return Reply(content: .arguments(volumeGroup: arguments, logicalVolume: ""))
    }

    private func runningManager() async -> Reply {
        let running = Set(await self.runningManagers()).union(self.globalLock.inUse)
        guard let kind = running.first else { return Reply(.noManagerRunning) }
        return running.count == 1 ? Reply(content: .manager(kind)) : Reply(.severalManagersRunning)
    }
}
