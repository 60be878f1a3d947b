// What a lockspace makes of requests.
extension LockspaceMachine {
    /// Takes an action that concerns this lockspace.
    package mutating func received(
        _ action: Action, _ id: ActionID, from client: Client.ID, waitsForStart: Bool = false,
        now: Duration
    ) -> [Effect] {
        if let kind = action.kind, kind != self.lockspace.id.kind {
            let message =
                "\(self.lockspace.volumeGroup) is a \(self.lockspace.id.kind) volume group"
            return [.reply(id, Reply(.invalidRequest, message: message))]
        }
        switch self.state {
        case _ where self.isStopping:
            return [.reply(id, Reply(.lockspaceStopping))]
        case .preparing, .joining:
            guard waitsForStart else { return [.reply(id, Reply(.lockspaceStarting))] }
            self.early.append((id, client, action))
            return []
        case .stopped, .failed:
            return [.reply(id, Reply(.lockspaceNotFound))]
        case .started, .clearing, .leaving:
            return self.receivedWhileStarted(action, id, from: client, now: now)
        }
    }

    private mutating func receivedWhileStarted(
        _ action: Action, _ id: ActionID, from client: Client.ID, now: Duration
    ) -> [Effect] {
        if self.isKilled, !action.operation.isAllowedAfterKill {
            let message = "\(self.lockspace.volumeGroup) lost its storage and was killed"
            return [.reply(id, Reply(.lockspaceKilled, message: message))]
        }
        switch action.operation {
        case .lock(let target, let mode, let waiting):
            return self.lock(target, mode, waiting, action, id, from: client, now: now)
        case .unlock(let target):
            let input = ResourceInput.unlock(
                id, client, isPersistent: action.options.contains(.persistent),
                cancels: action.options.contains(.unlockCancel))
            return self.handToExisting(input, target.name, id, from: client, now: now)
        case .update(let version):
            let next = action.options.contains(.nextVersion)
            let input = ResourceInput.update(id, client, version: next ? nil : version)
            return self.hand(input, to: .volumeGroup, from: client, now: now)
        case .queryLock(let target):
            let mode = self.resources[target.name]?.hold ?? .unlocked
            return [.reply(id, Reply(content: .mode(mode)))]
        case .enableGlobalLock, .disableGlobalLock:
            return self.switchGlobalLock(action, id, now: now)
        case .freeLogicalVolume(let volume):
            return self.free(volume, id, now: now)
        case .simulateRemoteLock(let uuid, let mode):
            return self.hand(
                .simulateRemoteHolder(id, mode), to: .logicalVolume(uuid), now: now)
        case .findFreeLease(let bytes):
            guard self.capabilities.leasesOnStorage else { return [.reply(id, .done)] }
            return [.askLockspace(.findFreeLease(volumeBytes: bytes, for: id))]
        default:
            return self.manage(
                action.operation, id, force: action.options.contains(.force), now: now)
        }
    }

    /// Takes requests about the lockspace as a whole.
    private mutating func manage(
        _ operation: Action.Operation, _ id: ActionID, force: Bool, now: Duration
    ) -> [Effect] {
        switch operation {
        case .kill:
            self.isKilled = true
            return [.reply(id, .done)]
        case .drop:
            return self.stopRequested(.dropped, answering: id, now: now)
        case .stop:
            guard force || self.volumeLockCount == 0 else {
                let message = "logical volumes are locked: \(self.volumeLockCount)"
                return [.reply(id, Reply(.lockspaceBusy, message: message))]
            }
            return self.stopRequested(.stopped, answering: id, now: now)
        case .busy:
            return self.askHosts(.busy, for: id)
        case .freeVolumeGroup:
            return self.askHosts(.leave(.removed), for: id)
        case .renameBefore:
            return self.askHosts(.leave(.renamed), for: id)
        case .changeArgumentsBefore:
            guard self.volumeLockCount == 0 else {
                let message = "logical volumes are locked: \(self.volumeLockCount)"
                return [.reply(id, Reply(.locksHeld, message: message))]
            }
            return self.askHosts(.leave(.argumentsChange), for: id)
        default:
            return [.reply(id, Reply(.invalidRequest))]
        }
    }

    private mutating func lock(
        _ target: Action.Target, _ mode: LockMode, _ waiting: Waiting, _ action: Action,
        _ id: ActionID, from client: Client.ID, now: Duration
    ) -> [Effect] {
        guard mode >= .shared else {
            return [.reply(id, Reply(.invalidRequest, message: "no lock has that mode"))]
        }
        var request = LockRequest(
            id: id, client: client, mode: mode,
            isPersistent: action.options.contains(.persistent), waiting: waiting,
            adopting: action.adoption, repairing: action.options.contains(.repair))
        if case .logicalVolume(let volume) = target {
            request.arguments = volume.arguments
            request.drives = volume.drives
        }
        guard
            self.resources.count < Limits.resourcesPerLockspace
                || self.resources[target.name] != nil
        else {
            let message = "\(Limits.resourcesPerLockspace) resources are locked already"
            return [.reply(id, Reply(.limitReached, message: message))]
        }
        return self.hand(.lock(request), to: target.name, from: client, now: now)
    }

    private mutating func switchGlobalLock(
        _ action: Action, _ id: ActionID, now: Duration
    ) -> [Effect] {
        guard self.capabilities.globalLock == .inVolumeGroup else {
            let message = "the global lock of \(self.lockspace.id.kind) has a lockspace of its own"
            return [.reply(id, Reply(.invalidRequest, message: message))]
        }
        let enabled = action.operation == .enableGlobalLock
        let exclusively = action.options.contains(.exclusively)
        return self.hand(
            .setGlobalLock(id, enabled: enabled, exclusively: exclusively), to: .global, now: now)
    }

    private mutating func free(_ volume: LogicalVolume, _ id: ActionID, now: Duration) -> [Effect] {
        let name = Resource.Name.logicalVolume(volume.uuid)
        guard self.capabilities.leasesOnStorage || self.resources[name] != nil else {
            return [.reply(id, .done)]
        }
        return self.hand(.freeLease(id, arguments: volume.arguments), to: name, now: now)
    }

    private mutating func askHosts(_ question: Question, for id: ActionID) -> [Effect] {
        self.questions[id] = question
        return [.askLockspace(.otherHosts(for: id))]
    }

    /// The manager told whether others use the lockspace.
    package mutating func otherHostsAnswered(
        _ answer: Result<OtherHosts, LockManagerError>, for id: ActionID, now: Duration
    ) -> [Effect] {
        guard let question = self.questions.removeValue(forKey: id) else { return [] }
        switch (answer, question) {
        case (.failure(let error), _):
            return [.reply(id, Reply(error))]
        case (.success(.unknown), _):
            let message =
                "the lock manager cannot tell yet whether other hosts are in the lockspace"
            return [.reply(id, Reply(.lockspaceBusy, message: message, notes: .hostsUnknown))]
        case (.success(.count(let count)), _):
            let message = "other hosts are in the lockspace: \(count)"
            return [.reply(id, Reply(.lockspaceBusy, message: message))]
        case (.success(.none), .busy):
            return [.reply(id, .done)]
        case (.success(.none), .leave(let reason)):
            return self.stopRequested(reason, answering: id, now: now)
        }
    }

    /// The manager looked for a free lease.
    package func leaseAnswered(_ error: LockManagerError?, for id: ActionID) -> [Effect] {
        [.reply(id, error.map { Reply($0) } ?? .done)]
    }
}

extension Action.Operation {
    /// After a kill everything that lets go proceeds, and nothing else.
    var isAllowedAfterKill: Bool {
        switch self {
        case .lock, .update, .enableGlobalLock, .disableGlobalLock, .queryLock, .renameBefore,
            .findFreeLease:
            false
        default: true
        }
    }
}
