public import LockIDM

/// A drive with In-Drive Mutexes, as a value: a command and the time go in, an answer comes out.
///
/// Time is the drive's own clock, in milliseconds. That a holder's countdown has run out shows when
/// somebody looks; nothing happens by itself. An expired holder keeps everybody out until one of
/// them takes over, and until then it may refresh and go on.
public struct EmulatedDrive: Hashable, Sendable {
    /// How much the drive keeps. The defaults are those of firmware that was measured in 2020.
    public struct Limits: Hashable, Sendable {
        /// Mutexes that are held, or have a value.
        public var mutexes = 128
        /// Different hosts in all of them.
        public var hosts = 32
        /// Hosts that share one mutex.
        public var sharers = 32

        /// The defaults.
        public init() {}
    }

    /// One host's hold.
    struct Holder: Hashable, Sendable {
        var mutexClass: MutexClass
        var countdown: UInt64
        var refreshed: UInt64
        var modified: UInt64

        func isExpired(_ now: UInt64) -> Bool {
            self.countdown != .max && now >= self.refreshed
                && now - self.refreshed >= self.countdown
        }

        /// A countdown without end protects nobody: others may take over at any time.
        func canBeTakenOver(_ now: UInt64) -> Bool {
            self.countdown == .max || self.isExpired(now)
        }
    }

    struct Mutex: Hashable, Sendable {
        var value = ChangeStamp.none
        var holders: [HostID: Holder] = [:]
        /// Who left it unlocked, and when; only while nobody holds it.
        var last: (host: HostID, modified: UInt64)?

        static func == (left: Mutex, right: Mutex) -> Bool {
            left.value == right.value && left.holders == right.holders
                && left.last?.host == right.last?.host
                && left.last?.modified == right.last?.modified
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(self.value)
            hasher.combine(self.holders)
        }
    }

    /// What the drive keeps.
    public var limits: Limits
    /// The version of the mutexes that it says it has.
    public var version: (major: UInt8, minor: UInt8) { (1, 0) }
    /// In the order in which they were made.
    var order: [LockID] = []
    var mutexes: [LockID: Mutex] = [:]

    /// A drive without mutexes.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Carries out a command.
    ///
    /// - Parameter now: The drive's clock, in milliseconds.
    public mutating func perform(_ command: DriveCommand, now: UInt64) -> DriveAnswer {
        switch command {
        case .version: .version(major: self.version.major, minor: self.version.minor)
        case .count: .count(self.records(now: now).count)
        case .read(let count): .records(Array(self.records(now: now).prefix(count)))
        case .change(let change): self.change(change, now: now).map { .refused($0) } ?? .done
        }
    }

    /// Loses all mutexes, as a drive may that was without power.
    public mutating func reset() {
        self.order = []
        self.mutexes = [:]
    }

    /// Takes a host's holds away, as if somebody had taken them over and let go.
    public mutating func dropHolds(where matches: (LockID, HostID) -> Bool) {
        for lock in self.order {
            guard var mutex = self.mutexes[lock] else { continue }
            mutex.holders = mutex.holders.filter { !matches(lock, $0.key) }
            self.mutexes[lock] = mutex
            if mutex.holders.isEmpty, mutex.last == nil { self.remove(lock) }
        }
    }

    /// The records, one for each holder and one for each mutex that is kept unlocked.
    public func records(now: UInt64) -> [MutexRecord] {
        self.order.flatMap { lock -> [MutexRecord] in
            guard let mutex = self.mutexes[lock] else { return [] }
            guard !mutex.holders.isEmpty else {
                return mutex.last.map { last in
                    [
                        MutexRecord(
                            state: .unlocked, modifiedMilliseconds: last.modified,
                            mutexClass: .exclusive, value: mutex.value, lock: lock, host: last.host)
                    ]
                } ?? []
            }
            let held: MutexRecord.State = mutex.holders.count > 1 ? .multiplyLocked : .locked
            return mutex.holders.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
                .map { host, holder in
                    MutexRecord(
                        state: holder.isExpired(now) ? .timedOut : held,
                        modifiedMilliseconds: holder.modified,
                        countdownMilliseconds: holder.countdown, mutexClass: holder.mutexClass,
                        value: mutex.value, lock: lock, host: host)
                }
        }
    }

    /// The page that the drive sends when it is asked for counts.
    func countPage(now: UInt64) -> [UInt8] {
        let records = self.records(now: now)
        return MutexBlock.encode(
            count: records.count, exclusive: records.count { $0.mutexClass == .exclusive },
            shared: records.count { $0.mutexClass == .shared })
    }

    mutating func remove(_ lock: LockID) {
        self.mutexes[lock] = nil
        self.order.removeAll { $0 == lock }
    }
}
