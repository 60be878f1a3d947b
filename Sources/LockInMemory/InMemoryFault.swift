public import LockCore

extension InMemoryCluster {
    /// Something that goes wrong in one call.
    public enum Fault: Hashable, Sendable {
        /// An acquire or convert finds somebody in the way; with capabilities for it, this owner.
        case contention(owner: Host?, isPassing: Bool)
        /// The call takes effect so much later.
        case slowRequest(Duration)
        /// The call takes effect at once and answers so much later.
        case slowAnswer(Duration)
        /// The call fails. With ``LockManagerError/Hold/unknown``, it is drawn at random whether it
        /// took effect before. A release that took none is finished later, when the resource is
        /// next asked for, as the contract demands.
        case failure(LockErrorCode, hold: LockManagerError.Hold, status: Int32?)
        /// The resource's value block is lost before the call.
        case lostValueBlock
        /// The host loses the call's lockspace before the call.
        case lostLockspace(certainFor: Duration)
        /// The host crashes before the call.
        case crash
    }

    /// The calls of a lock manager that faults can strike. The others never fail.
    public enum Call: String, Hashable, Sendable, CaseIterable {
        /// ``LockManager/initialise(_:)``.
        case initialise
        /// ``LockManager/prepare(_:_:)``.
        case prepare
        /// ``LockManager/join(_:_:)``.
        case join
        /// ``LockManager/leave(_:_:)``.
        case leave
        /// ``LockManager/otherHosts(in:)`` and ``LockManager/localHost(in:)``.
        case listHosts = "list the hosts"
        /// ``LockManager/leftBehind()``.
        case listLockspaces = "list the lockspaces left behind"
        /// ``LockManager/acquire(_:_:_:)``.
        case acquire
        /// ``LockManager/convert(_:to:writing:)``.
        case convert
        /// ``LockManager/release(_:writing:)``.
        case release
        /// ``LockManager/holders(of:)``.
        case listHolders = "list the holders of"
        /// ``LockManager/purgeOrphans(in:)``.
        case purge = "purge orphans"
        /// The calls of ``LeaseStore``.
        case leases = "change leases"
        /// ``VolumeRefresher/refresh(path:)``.
        case refresh
    }

    /// Which calls a fault strikes: those that match in every respect that is not nil.
    public struct FaultFilter: Hashable, Sendable {
        /// What is called; nil for any call.
        public var call: Call?
        /// Who calls; nil for any host.
        public var host: UInt64?
        /// The lockspace that the call is about.
        public var lockspace: Lockspace.ID?
        /// The resource that the call is about.
        public var resource: Resource.Name?

        /// Describes calls; without arguments, all of them.
        public init(
            _ call: Call? = nil, host: UInt64? = nil, lockspace: Lockspace.ID? = nil,
            resource: Resource.Name? = nil
        ) {
            self.call = call
            self.host = host
            self.lockspace = lockspace
            self.resource = resource
        }

        func matches(_ subject: CallSubject) -> Bool {
            (self.call ?? subject.call) == subject.call
                && (self.host ?? subject.host) == subject.host
                && (self.lockspace == nil || self.lockspace == subject.lockspace)
                && (self.resource == nil || self.resource == subject.resource)
        }
    }
}

extension InMemoryCluster.Fault {
    /// Can the fault strike such a call at all? One that cannot is not used up by it.
    func concerns(_ subject: CallSubject) -> Bool {
        switch self {
        case .contention: subject.call == .acquire || subject.call == .convert
        case .lostValueBlock: subject.resource != nil
        case .lostLockspace: subject.lockspace != nil
        case .slowRequest, .slowAnswer, .failure, .crash: true
        }
    }
}

/// Who calls what about which resource.
struct CallSubject {
    var call: InMemoryCluster.Call
    var host: UInt64
    var lockspace: Lockspace.ID?
    var resource: Resource.Name?
    /// What a release publishes, sooner or later.
    var writing: ValueBlock?

    /// The words that an error describes the call with.
    var doing: String {
        let names = [self.resource?.description, self.lockspace.map { "in \($0)" }]
        return ([self.call.rawValue] + names.compactMap { $0 }).joined(separator: " ")
    }
}

/// The faults in store, and the random draws that they need.
struct FaultPlan {
    private struct Entry {
        var fault: InMemoryCluster.Fault
        var filter: InMemoryCluster.FaultFilter
        var timesLeft: Int?
        var probability: Double
    }

    private var entries: [Entry] = []
    private var random: SeededRandom

    init(seed: UInt64) {
        self.random = SeededRandom(seed: seed)
    }

    mutating func add(
        _ fault: InMemoryCluster.Fault, where filter: InMemoryCluster.FaultFilter, times: Int?,
        probability: Double
    ) {
        self.entries.append(
            Entry(fault: fault, filter: filter, timesLeft: times, probability: probability))
    }

    mutating func removeAll() {
        self.entries = []
    }

    /// The faults that strike this call, in the order in which they were put in store.
    mutating func strike(_ subject: CallSubject) -> [InMemoryCluster.Fault] {
        guard !self.entries.isEmpty else { return [] }
        var struck: [InMemoryCluster.Fault] = []
        for index in self.entries.indices {
            let entry = self.entries[index]
            guard entry.filter.matches(subject), entry.fault.concerns(subject),
                self.random.happens(withProbability: entry.probability)
            else { continue }
            struck.append(entry.fault)
            self.entries[index].timesLeft = entry.timesLeft.map { $0 - 1 }
        }
        self.entries.removeAll { $0.timesLeft == 0 }
        return struck
    }

    /// Draws whether a call whose outcome is unknown took effect.
    mutating func tookEffect() -> Bool {
        self.random.happens(withProbability: 0.5)
    }
}
