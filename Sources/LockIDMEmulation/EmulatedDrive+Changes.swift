internal import LockIDM

// What a drive does when it is told to change a mutex. Nil stands for done.
extension EmulatedDrive {
    mutating func change(_ change: MutexChange, now: UInt64) -> DriveRefusal? {
        guard change.mutexClass != .protectedWrite else { return .notUnderstood }
        switch change.operation {
        case .tryLock: return self.tryLock(change, now)
        case .unlock: return self.unlock(change)
        case .refresh: return self.refresh(change, now)
        case .takeOver: return self.takeOver(change, now)
        case .destroy: return self.destroy(change, now)
        }
    }

    private mutating func tryLock(_ change: MutexChange, _ now: UInt64) -> DriveRefusal? {
        guard let mutex = self.mutexes[change.lock] else {
            if let refusal = self.lackOfRoom(for: change, in: nil) { return refusal }
            self.order.append(change.lock)
            self.mutexes[change.lock] = Mutex()
            self.hold(change, now)
            return nil
        }
        if mutex.holders[change.host] != nil { return .terminated }
        // Holders keep others out even when their time is over.
        let isAlone = mutex.holders.isEmpty
        let isShared = mutex.holders.values.allSatisfy { $0.mutexClass == .shared }
        guard isAlone || (change.mutexClass == .shared && isShared) else { return .conflict }
        if let refusal = self.lackOfRoom(for: change, in: mutex) { return refusal }
        self.hold(change, now)
        return nil
    }

    private func lackOfRoom(for change: MutexChange, in mutex: Mutex?) -> DriveRefusal? {
        if mutex == nil, self.mutexes.count >= self.limits.mutexes { return .mutexesFull }
        if let mutex, mutex.holders.count >= self.limits.sharers { return .sharersFull }
        let hosts = Set(self.mutexes.values.flatMap(\.holders.keys))
        return hosts.count >= self.limits.hosts && !hosts.contains(change.host) ? .hostsFull : nil
    }

    private mutating func hold(_ change: MutexChange, _ now: UInt64) {
        self.mutexes[change.lock]?.last = nil
        self.mutexes[change.lock]?.holders[change.host] = Holder(
            mutexClass: change.mutexClass, countdown: change.countdownMilliseconds, refreshed: now,
            modified: change.hostTimeMilliseconds)
    }

    private mutating func unlock(_ change: MutexChange) -> DriveRefusal? {
        guard let mutex = self.mutexes[change.lock] else { return .notFound }
        guard let holder = mutex.holders[change.host] else {
            // Who unlocks what is unlocked is told that all is well.
            return mutex.holders.isEmpty ? nil : .conflict
        }
        guard holder.mutexClass == change.mutexClass else { return .terminated }
        if let value = change.value { self.mutexes[change.lock]?.value = value }
        self.mutexes[change.lock]?.holders[change.host] = nil
        guard mutex.holders.count == 1 else { return nil }
        if holder.mutexClass == .exclusive {
            self.mutexes[change.lock]?.last = (change.host, change.hostTimeMilliseconds)
        } else {
            // With its last sharer a mutex goes, and its value.
            self.remove(change.lock)
        }
        return nil
    }

    private mutating func refresh(_ change: MutexChange, _ now: UInt64) -> DriveRefusal? {
        guard let mutex = self.mutexes[change.lock] else { return .notFound }
        guard mutex.holders[change.host] != nil else { return .conflict }
        if change.mutexClass == .exclusive, mutex.holders.count > 1 { return .terminated }
        self.hold(change, now)
        return nil
    }

    private mutating func takeOver(_ change: MutexChange, _ now: UInt64) -> DriveRefusal? {
        guard let mutex = self.mutexes[change.lock] else { return .notFound }
        guard !mutex.holders.isEmpty else { return .conflict }
        let others = mutex.holders.filter { $0.key != change.host }
        guard others.values.allSatisfy({ $0.canBeTakenOver(now) }) else { return .conflict }
        for host in others.keys { self.mutexes[change.lock]?.holders[host] = nil }
        self.hold(change, now)
        return nil
    }

    private mutating func destroy(_ change: MutexChange, _ now: UInt64) -> DriveRefusal? {
        guard let mutex = self.mutexes[change.lock] else { return .notFound }
        guard mutex.holders.values.allSatisfy({ $0.isExpired(now) }) else { return .conflict }
        self.remove(change.lock)
        return nil
    }
}
