public import LockCore

/// Several hosts that share locks, all in this process: for programs that need no other host, for
/// tests, and as the example of what a lock manager has to do.
///
/// ```swift
/// let cluster = InMemoryCluster()
/// let (alice, bob) = (cluster.host(1), cluster.host(2))
/// ```
///
/// Each host has a lock manager of its own; what one of them does, the others meet. Hosts can be
/// restarted, crashed, cut off, and made to lose a lockspace, and calls can be made to fail; all
/// that is random follows from the configuration's seed.
public final class InMemoryCluster: Sendable {
    /// What kind of lock manager the cluster acts as.
    public let configuration: Configuration
    private let box: ClusterBox

    /// A cluster without hosts, lockspaces, or faults.
    public init(_ configuration: Configuration = .native) {
        self.configuration = configuration
        self.box = ClusterBox(configuration)
    }

    // MARK: Hosts

    /// The lock manager of a host's running process; the host is started when first asked for.
    /// Hosts are counted from 1. Their number is also the one they join lockspaces with, unless the
    /// caller gives another.
    public func host(_ number: UInt64) -> InMemoryLockManager {
        self.manager(number, self.box.withState { $0.host(number) })
    }

    /// Ends a host's process and starts another, whose lock manager is returned. What the old one
    /// had joined is left behind and what it held becomes orphans, if the capabilities include
    /// adoption; else it is let go of. A machine that had crashed starts again, with nothing.
    @discardableResult
    public func restart(_ number: UInt64) -> InMemoryLockManager {
        self.manager(number, self.box.withState { $0.restart(number) })
    }

    /// Stops a machine. Its holds stay until it is declared dead, joins again, or
    /// ``Configuration/crashedHostExpires`` has passed.
    public func crash(_ number: UInt64) {
        self.box.withState { $0.crash(number) }
    }

    /// Lets others have what a host holds. A host that lives on learns that it lost its lockspaces.
    public func declareDead(_ number: UInt64) {
        self.box.withState { $0.declareDead(number) }
    }

    /// Makes every call of a host fail, without effect, until it is reconnected. What it holds it
    /// goes on holding.
    public func cutOff(_ number: UInt64) {
        self.box.withState { $0.cutOff(number, true) }
    }

    /// Ends what ``cutOff(_:)`` began.
    public func reconnect(_ number: UInt64) {
        self.box.withState { $0.cutOff(number, false) }
    }

    /// Takes a lockspace from a host, which learns so by an event. Others get its holds when
    /// `certainFor` has passed, when the host lets go, or when it is declared dead.
    public func lose(
        _ lockspace: Lockspace.ID, on host: UInt64, certainFor: Duration,
        reason: String = "the lockspace failed"
    ) {
        self.box.withState { state in
            state.withLockspace(lockspace) {
                $0.lose(host, reason: reason, certainFor: certainFor, &$1)
            }
        }
    }

    /// Sets what ``LockManager/isRunning()`` says on a host.
    public func setRunning(_ isRunning: Bool, on host: UInt64) {
        self.box.withState { state in
            _ = state.host(host)
            state.hosts[host]?.isRunning = isRunning
        }
    }

    // MARK: Faults

    /// Puts a fault in store for calls to come.
    ///
    /// - Parameters:
    ///   - filter: The calls it can strike; any, if left out.
    ///   - times: How many calls it strikes; nil for no end.
    ///   - probability: How likely it strikes a call that matches, from 0 to 1, drawn from the
    ///     configuration's seed.
    public func inject(
        _ fault: Fault, where filter: FaultFilter = FaultFilter(), times: Int? = 1,
        probability: Double = 1
    ) {
        precondition(times ?? 1 > 0, "a fault strikes once or more")
        self.box.withState {
            $0.faults.add(fault, where: filter, times: times, probability: probability)
        }
    }

    /// Forgets the faults still in store.
    public func removeFaults() {
        self.box.withState { $0.faults.removeAll() }
    }

    /// Loses the content of a resource's value block.
    public func loseValueBlock(of resource: Resource.ID) {
        self.box.withState { state in
            state.withLockspace(resource.lockspace) { $0.loseValue(of: resource.name, &$1) }
        }
    }

    // MARK: Looking on

    /// Every hold on the resource, in the order of the grants, whatever the managers can tell.
    public func holds(on resource: Resource.ID) -> [(host: UInt64, mode: LockMode)] {
        self.box.withState { state in
            state.lockspaces[resource.lockspace]?.resources[resource.name]?.holds.map {
                (host: $0.host, mode: $0.mode)
            } ?? []
        }
    }

    /// How many resources are remembered: those that are held, waited for, not forgotten, or whose
    /// value block is kept.
    public var resourceCount: Int {
        self.box.withState { state in
            state.lockspaces.values.reduce(0) { $0 + $1.resources.count }
        }
    }

    private func manager(_ number: UInt64, _ host: MemoryHost) -> InMemoryLockManager {
        InMemoryLockManager(
            box: self.box, rules: self.configuration, host: number, process: host.process,
            events: host.events)
    }
}
