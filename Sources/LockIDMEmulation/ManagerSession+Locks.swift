internal import Glibc
internal import LockCore
internal import LockIDM

/// A lock that a client of an emulated manager holds.
struct HeldLock {
    var id: LockID
    var mutexClass: MutexClass
    var countdown: UInt64
    var drives: LockDrives
    /// On which of the drives it is held.
    var held: [Bool]
    /// On some drive it was taken from somebody whose time was over.
    var isTakenOver: Bool
    /// What the unlock writes.
    var value = ChangeStamp.none
    var renewed = ContinuousClock.now
    /// A conversion went wrong in a way that forbids any further one.
    var isStuck = false
}

/// The drives of a lock.
struct LockDrives {
    /// Those that are there, each once, in the order of the request.
    var present: [Int]
    /// With those that are not.
    var total: Int
    var majority: Majority { Majority(of: self.total) }
}

// What a session does with locks.
extension ManagerSession {
    func answer(
        _ command: ILMRequest.Command, _ payload: ILMLockPayload, _ paths: [String]
    ) -> ILMReply {
        let (hasLockspace, held) = self.state.with { ($0.hasLockspace, $0.locks[payload.lock]) }
        switch command {
        case .version:
            // This path goes to the drive as it is.
            let isDrive = paths.count == 1 && self.manager.paths[paths[0]] != nil
            return isDrive ? ILMReply(result: 0, data: [1, 0]) : Self.refusal(.refused)
        case .acquire where !hasLockspace: return Self.refusal(.tooFewDrives)
        case .acquire: return self.acquire(payload, paths)
        case .hostCount, .mode:
            if command == .hostCount,
                case .delay(let duration) = self.manager.takeStrike(.hostCount, of: payload.lock)
            {
                blockThread(for: duration)
            }
            guard let drives = held?.drives ?? self.resolve(paths) else {
                return Self.refusal(.tooFewDrives)
            }
            return command == .mode
                ? self.mode(of: payload.lock, drives) : self.hostCount(of: payload.lock, drives)
        case .release: return self.release(payload.lock)
        case .convert: return self.convert(payload.lock, payload.mode)
        default: return self.readValue(of: payload.lock)
        }
    }

    static func refusal(_ result: ILMResult) -> ILMReply {
        ILMReply(result: result.rawValue)
    }

    private func resolve(_ paths: [String]) -> LockDrives? {
        var drives = LockDrives(present: [], total: 0)
        for path in paths {
            if let drive = self.manager.paths[path] {
                if !drives.present.contains(drive) { drives.present.append(drive) }
            } else {
                drives.total += 1
            }
        }
        drives.total += drives.present.count
        return drives.present.count > drives.total / 2 ? drives : nil
    }

    private func run(
        _ purpose: MutexErrand.Purpose, _ lock: LockID, _ host: HostID, _ mutexClass: MutexClass,
        countdown: UInt64 = 0, on drive: Int, place: Int
    ) -> MutexErrand.Outcome {
        let errand = MutexErrand(purpose, lock, by: host, as: mutexClass, countdown: countdown)
        return errand.run(now: hostMilliseconds) { command throws(DriveError) in
            try self.manager.perform(command, on: drive, place: place)
        }
    }

    // MARK: Acquire

    private func acquire(_ payload: ILMLockPayload, _ paths: [String]) -> ILMReply {
        guard let mutexClass = payload.mode.mutexClass, (1...512).contains(payload.driveCount)
        else {
            return Self.refusal(.invalid)
        }
        let host = self.state.with { $0.host }
        if self.state.with({ $0.locks[payload.lock] != nil }) { return Self.refusal(.busy) }
        guard let drives = self.resolve(paths) else { return Self.refusal(.tooFewDrives) }
        let fault = self.manager.takeStrike(.acquire, of: payload.lock)
        if fault == .fails { return Self.refusal(.storageFailed) }
        if fault == .closes { return ILMReply(result: .min) }
        if fault == .losesLockspace {
            _ = self.deleteLockspace()
            return Self.refusal(.tooFewDrives)
        }
        if case .delay(let duration) = fault { blockThread(for: duration) }

        // -1 travels as the longest countdown of all.
        let countdown = UInt64(bitPattern: Int64(payload.timeoutMilliseconds))
        let end = ContinuousClock.now + self.manager.behaviour.acquireLimit
        var failures = 0
        repeat {
            let outcomes = drives.present.enumerated().map { place, drive in
                self.run(
                    .take, payload.lock, host, mutexClass, countdown: countdown, on: drive,
                    place: place)
            }
            let held = outcomes.map(\.isHeld)
            if held.count(where: { $0 }) >= drives.majority.toTake {
                let lock = HeldLock(
                    id: payload.lock, mutexClass: mutexClass, countdown: countdown, drives: drives,
                    held: held, isTakenOver: outcomes.contains(.held(takenOver: true)))
                self.state.with { $0.locks[payload.lock] = lock }
                return fault == .failsInTheMiddle
                    ? Self.refusal(.storageFailed) : ILMReply(result: 0)
            }
            failures = outcomes.count(where: \.isKnownFailure)
            for (place, drive) in drives.present.enumerated() where held[place] {
                _ = self.run(
                    .release(nil), payload.lock, host, mutexClass, on: drive, place: place)
            }
            blockThread(for: .microseconds(Int.random(in: 500...2000)))
        } while ContinuousClock.now < end && !self.manager.isDead
        let missing = drives.total - drives.present.count
        return failures + missing >= drives.majority.toKeep
            ? Self.refusal(.storageFailed) : Self.refusal(.refused)
    }

    // MARK: Release and convert

    private func release(_ id: LockID) -> ILMReply {
        let fault = self.manager.takeStrike(.release, of: id)
        if fault == .closes { return ILMReply(result: .min) }
        if case .delay(let duration) = fault { blockThread(for: duration) }
        return self.state.with { state in
            // Whatever comes of it, the lock is forgotten.
            guard let lock = state.locks.removeValue(forKey: id) else {
                return Self.refusal(.refused)
            }
            if fault == .fails { return Self.refusal(.storageFailed) }
            let result = self.release(
                lock, state.host, discards: self.manager.behaviour.destroysAfterUnlock)
            return fault == .failsInTheMiddle ? Self.refusal(.storageFailed) : result
        }
    }

    func release(_ lock: HeldLock, _ host: HostID, discards: Bool) -> ILMReply {
        var failures = lock.drives.total - lock.drives.present.count
        for (place, drive) in lock.drives.present.enumerated() {
            if lock.held[place] {
                let outcome = self.run(
                    .release(lock.value), lock.id, host, lock.mutexClass, on: drive, place: place)
                if outcome.isKnownFailure { failures += 1 }
            }
            if discards {
                _ = self.run(
                    .discard, lock.id, host, lock.mutexClass, on: drive, place: place)
            }
        }
        return failures >= lock.drives.majority.toKeep
            ? Self.refusal(.storageFailed) : ILMReply(result: 0)
    }

    private func convert(_ id: LockID, _ mode: ILMMode) -> ILMReply {
        guard let mutexClass = mode.mutexClass else { return Self.refusal(.invalid) }
        let fault = self.manager.takeStrike(.convert, of: id)
        if fault == .fails { return Self.refusal(.storageFailed) }
        if fault == .closes { return ILMReply(result: .min) }
        if case .delay(let duration) = fault { blockThread(for: duration) }
        return self.state.with { state in
            guard var lock = state.locks[id], !lock.isStuck else { return Self.refusal(.refused) }
            let reply = self.converted(&lock, state.host, to: mutexClass)
            state.locks[id] = lock
            return fault == .failsInTheMiddle ? Self.refusal(.storageFailed) : reply
        }
    }

    private func converted(
        _ lock: inout HeldLock, _ host: HostID, to mutexClass: MutexClass
    ) -> ILMReply {
        var outcomes: [MutexErrand.Outcome] = []
        for (place, drive) in lock.drives.present.enumerated() {
            outcomes.append(
                self.run(
                    .convert, lock.id, host, mutexClass, countdown: lock.countdown, on: drive,
                    place: place))
        }
        if outcomes.count(where: \.isHeld) >= lock.drives.majority.toTake {
            lock.mutexClass = mutexClass
            return ILMReply(result: 0)
        }
        let missing = lock.drives.total - lock.drives.present.count
        if mutexClass == .shared, lock.mutexClass == .exclusive {
            // That always counts as done, but it is the last conversion.
            lock.mutexClass = .shared
            lock.isStuck = true
            return ILMReply(result: 0)
        }
        for (place, drive) in lock.drives.present.enumerated() where outcomes[place].isHeld {
            _ = self.run(
                .convert, lock.id, host, lock.mutexClass, countdown: lock.countdown, on: drive,
                place: place)
        }
        if outcomes.count(where: { $0 == .notHeld }) >= lock.drives.majority.toKeep {
            return Self.refusal(.expired)
        }
        let failures = outcomes.count(where: \.isKnownFailure) + missing
        return failures >= lock.drives.majority.toKeep
            ? Self.refusal(.storageFailed) : Self.refusal(.refused)
    }

    // MARK: Renew

    /// The lock after a renewal. Drives that lost it are asked to give it back.
    func renewed(_ lock: HeldLock, _ host: HostID) -> HeldLock {
        var lock = lock
        var fresh = 0
        for (place, drive) in lock.drives.present.enumerated() {
            let outcome = self.run(
                lock.held[place] ? .refresh : .take, lock.id, host, lock.mutexClass,
                countdown: lock.countdown, on: drive, place: place)
            if case .failed = outcome { continue }
            lock.held[place] = outcome.isHeld
            if outcome.isHeld { fresh += 1 }
        }
        if fresh >= lock.drives.majority.toKeep { lock.renewed = .now }
        return lock
    }
}

extension MutexErrand.Outcome {
    /// The manager knows failures of storage by `EIO`. A drive that does not answer at all is
    /// mostly something else to it, and no better than a refusal.
    fileprivate var isKnownFailure: Bool {
        if case .failed(let error) = self { error.status == EIO } else { false }
    }
}

extension ILMMode {
    fileprivate var mutexClass: MutexClass? {
        switch self {
        case .exclusive: .exclusive
        case .shareable: .shared
        default: nil
        }
    }
}
