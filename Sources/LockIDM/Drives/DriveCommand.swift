/// What a drive can be told about its mutexes, as a value.
public enum DriveCommand: Hashable, Sendable {
    /// Changes a mutex.
    case change(MutexChange)
    /// How many records there are.
    case count
    /// So many records, the first ones.
    case read(records: Int)
    /// Which version of the mutexes the drive has.
    case version
}

/// What a drive answers.
public enum DriveAnswer: Hashable, Sendable {
    /// The mutex is changed.
    case done
    /// It is not, for that reason.
    case refused(DriveRefusal)
    /// So many records.
    case count(Int)
    /// The records that there are.
    case records([MutexRecord])
    /// The version.
    case version(major: UInt8, minor: UInt8)
}

/// A change of one mutex by one host.
public struct MutexChange: Hashable, Sendable {
    /// What to do; the numbers are the drives'.
    public enum Operation: UInt8, Hashable, Sendable, CaseIterable {
        /// Take it, if nobody is in the way, be it somebody whose countdown has run out.
        case tryLock = 2
        /// Let go of it.
        case unlock = 4
        /// Start the countdown anew, and take on another class.
        case refresh = 5
        /// Take it from holders whose countdown has run out.
        case takeOver = 6
        /// Remove what nobody holds.
        case destroy = 7
    }

    /// What to do.
    public var operation: Operation
    /// Which mutex.
    public var lock: LockID
    /// For whom.
    public var host: HostID
    /// In which class.
    public var mutexClass: MutexClass
    /// After so many milliseconds without a refresh the mutex can be taken over.
    public var countdownMilliseconds: UInt64
    /// The host's clock, in milliseconds since 1970; the drive only stores it.
    public var hostTimeMilliseconds: UInt64
    /// The value to store; nil leaves it.
    public var value: ChangeStamp?

    /// Describes a change.
    public init(
        _ operation: Operation, _ lock: LockID, by host: HostID, as mutexClass: MutexClass,
        countdownMilliseconds: UInt64 = 0, hostTimeMilliseconds: UInt64 = 0,
        value: ChangeStamp? = nil
    ) {
        self.operation = operation
        self.lock = lock
        self.host = host
        self.mutexClass = mutexClass
        self.countdownMilliseconds = countdownMilliseconds
        self.hostTimeMilliseconds = hostTimeMilliseconds
        self.value = value
    }
}

/// How a mutex is held; the numbers are the drives'.
public enum MutexClass: UInt64, Hashable, Sendable, CaseIterable {
    /// One holder.
    case exclusive = 0
    /// Known to drives, used by nobody.
    case protectedWrite = 1
    /// Any number of holders.
    case shared = 2
}

/// Why a drive does not do what it was told. The same answer means different things after different
/// operations.
public enum DriveRefusal: Hashable, Sendable, CaseIterable {
    /// Another host is in the way; or, to unlock and refresh: this host does not hold it.
    case conflict
    /// This host holds it already; or other hosts share it; or the class is wrong.
    case terminated
    /// The drive has too much to do.
    case busy
    /// The drive has no such mutex.
    case notFound
    /// The drive keeps no more mutexes.
    case mutexesFull
    /// The drive keeps no more hosts.
    case hostsFull
    /// This mutex keeps no more hosts.
    case sharersFull
    /// The drive does not know the command.
    case notUnderstood
}

/// One host's part in one mutex, as a drive tells of it.
public struct MutexRecord: Hashable, Sendable {
    /// What the drive makes of it; the numbers are the drive's.
    public enum State: UInt32, Hashable, Sendable, CaseIterable {
        /// Never used.
        case uninitialised = 0
        /// Held by one host.
        case locked = 0x101
        /// Held by nobody, kept with its value.
        case unlocked = 0x102
        /// Held by several hosts.
        case multiplyLocked = 0x103
        /// Held, but its countdown has run out, and others may take it over.
        case timedOut = 0x104
        /// Not a record: there are no more.
        case dead = 0xdead
    }

    /// What the drive makes of it.
    public var state: State
    /// When it was last changed, by the host's clock: milliseconds since 1970.
    public var modifiedMilliseconds: UInt64
    /// What the countdown began with.
    public var countdownMilliseconds: UInt64
    /// How it is, or was, held.
    public var mutexClass: MutexClass
    /// The value.
    public var value: ChangeStamp
    /// Which mutex.
    public var lock: LockID
    /// Who holds, or held it.
    public var host: HostID

    /// Describes a record.
    public init(
        state: State, modifiedMilliseconds: UInt64 = 0, countdownMilliseconds: UInt64 = 0,
        mutexClass: MutexClass, value: ChangeStamp, lock: LockID, host: HostID
    ) {
        self.state = state
        self.modifiedMilliseconds = modifiedMilliseconds
        self.countdownMilliseconds = countdownMilliseconds
        self.mutexClass = mutexClass
        self.value = value
        self.lock = lock
        self.host = host
    }

    /// Held, with time left on its countdown.
    package var isLive: Bool { self.state == .locked || self.state == .multiplyLocked }
    /// Nobody else can have it without taking it over.
    package var isHeld: Bool { self.isLive || self.state == .timedOut }
}
