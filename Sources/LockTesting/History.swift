public import LockCore

/// A run of several hosts that share locks, as its driver saw it.
///
/// The driver sends every call and receives every answer, so its clock is the one that counts: what
/// it has seen happen one after the other did happen in that order, whatever the hosts' clocks say.
/// A host has a hold from the driver's receipt of the grant to its sending of the release.
public struct History: Sendable {
    /// What the lock manager promises, and so what the history is held against.
    public var promises: Promises
    /// What happened, in order; times never go back.
    public private(set) var events: [Event] = []
    /// The driver waited for every answer, so that one that is missing will never come.
    public var isComplete = false

    /// A history in which nothing has happened yet.
    public init(promises: Promises) {
        self.promises = promises
    }

    /// A history of these events.
    public init(promises: Promises, events: [Event], isComplete: Bool) {
        self.init(promises: promises)
        for event in events { self.append(event) }
        self.isComplete = isComplete
    }

    /// Adds what happened next. A time before the last event's counts as the last event's.
    public mutating func append(_ event: Event) {
        var event = event
        event.time = max(event.time, self.events.last?.time ?? event.time)
        self.events.append(event)
    }

    // MARK: Events

    /// Names one call to a lock manager, from its sending to its answer.
    public struct CallID: Hashable, Sendable {
        /// The number, counted from 1.
        public let rawValue: Int

        /// Wraps a number.
        public init(_ rawValue: Int) {
            self.rawValue = rawValue
        }
    }

    /// Something that happened.
    public struct Event: Hashable, Sendable {
        /// When, since the run began, on the driver's clock.
        public var time: Duration
        /// Whom it concerns; hosts are counted from 1.
        public var host: UInt64
        /// What it was.
        public var what: What

        /// Describes something that happened.
        public init(time: Duration, host: UInt64, _ what: What) {
            self.time = time
            self.host = host
            self.what = what
        }
    }

    /// What can happen.
    public enum What: Hashable, Sendable {
        /// The driver sends a call to the host's lock manager.
        case asked(CallID, Request)
        /// The driver knows that the acquire stands in the manager's queue.
        case queued(CallID)
        /// The driver calls a waiting acquire back.
        case cancelled(CallID)
        /// The driver receives the answer.
        case answered(CallID, Answer)
        /// Something begins that takes the membership in a lockspace, or in all (nil), from the
        /// host: a crash, a loss, being declared dead. The manager may hand the host's holds over
        /// once `certainFor` has passed; with nil, not until the host joins anew or this comes
        /// again.
        case losing(Lockspace.ID?, certainFor: Duration?, reason: String)
        /// It has happened: nothing that is asked from now on may be granted until the host has
        /// joined anew.
        case lost(Lockspace.ID?)
        /// Another process begins to speak for the host. What the earlier one held stays until it
        /// is adopted or purged, or else is over.
        case restarted(keepsHolds: Bool)
        /// The content of a value block is about to be lost.
        case losingValueBlock(Resource.ID)
        /// The content of a value block was lost.
        case lostValueBlock(Resource.ID)
    }

    /// A call to a lock manager.
    public enum Request: Hashable, Sendable {
        /// ``LockManager/prepare(_:_:)`` and ``LockManager/join(_:_:)``.
        case join(Lockspace.ID, adopting: Adoption)
        /// ``LockManager/leave(_:_:)``.
        case leave(Lockspace.ID)
        /// ``LockManager/acquire(_:_:_:)``.
        case acquire(Resource.ID, LockMode, AcquireOptions)
        /// ``LockManager/convert(_:to:writing:)``.
        case convert(Resource.ID, to: LockMode, writing: ValueBlock?)
        /// ``LockManager/release(_:writing:)``.
        case release(Resource.ID, writing: ValueBlock?)
        /// ``LockManager/forget(_:)``.
        case forget(Resource.ID)
        /// ``LockManager/purgeOrphans(in:)``.
        case purge(Lockspace.ID)

        /// Where the call takes place.
        public var lockspace: Lockspace.ID {
            switch self {
            case .join(let lockspace, adopting: _), .leave(let lockspace), .purge(let lockspace):
                lockspace
            case .acquire(let resource, _, _), .convert(let resource, to: _, writing: _),
                .release(let resource, writing: _), .forget(let resource):
                resource.lockspace
            }
        }

        /// The resource that the call is about, if it is about one.
        public var resource: Resource.ID? {
            switch self {
            case .join, .leave, .purge: nil
            case .acquire(let resource, _, _), .convert(let resource, to: _, writing: _),
                .release(let resource, writing: _), .forget(let resource):
                resource
            }
        }
    }

    /// What a lock manager answered.
    public enum Answer: Hashable, Sendable {
        /// To a join.
        case joined(Membership)
        /// To an acquire or a convert.
        case outcome(AcquireOutcome)
        /// To any other call.
        case done
        /// To any call.
        case failed(LockManagerError)

        /// The grant, if it is one.
        public var grant: Grant? {
            if case .outcome(.granted(let grant)) = self { grant } else { nil }
        }
    }

    // MARK: Promises

    /// What a lock manager promises beyond mutual exclusion.
    public struct Promises: Hashable, Sendable {
        /// Whoever waits in the queue is not overtaken.
        public var grantsInOrder: Bool
        /// What a lock carries from one holder to the next.
        public var valueBlock: LockManagerCapabilities.ValueBlockSupport
        /// A value block outlives its host: else it may read as zero after a host has gone, or has
        /// forgotten it.
        public var keepsValueBlocks: Bool
        /// A host that has seen or written a value block since it joined, and has not forgotten it,
        /// is told of the loss of the content; zero is for others.
        public var tellsLostValueBlocks = false
        /// Exclusive grants come with a growing number.
        public var fencingTokens: Bool

        /// What a manager with these capabilities promises.
        public init(_ capabilities: LockManagerCapabilities, keepsValueBlocks: Bool) {
            self.grantsInOrder = capabilities.waitsInQueue
            self.valueBlock = capabilities.valueBlock
            self.keepsValueBlocks = keepsValueBlocks
            self.fencingTokens = capabilities.fencingTokens
        }
    }
}
