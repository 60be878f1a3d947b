#if Sanlock
public import LockCore

extension LockManagerKind {
    /// Leases on shared storage, kept by the sanlock daemon.
    public static let sanlock = LockManagerKind(rawValue: "sanlock")
}

/// The lock manager on leases that the sanlock daemon keeps on shared storage.
///
/// libsanlock looks for its daemon once in a process, so a process speaks for one host: make
/// one of these.
///
/// A host that cannot renew its own lease of a lockspace loses it: ``events`` says so, with the
/// time for which no other host can have what this one held. Let go of everything in that time,
/// or the watchdog resets the machine. The same happens when the daemon ends without having
/// been asked to.
public final class SanlockLockManager: LockManager {
    /// sanlock.
    public let kind = LockManagerKind.sanlock
    /// Lockspaces that this host loses.
    public let events: AsyncStream<LockManagerEvent>
    let context: SanlockContext
    let lockspaces = JoinedLockspaces()
    let killSocket: KillSocket
    /// Where searches for free leases ended.
    let searches = LeaseSearches()
    /// For calls that belong to no lockspace.
    let housekeeping = BlockingExecutor(label: "holdfast.sanlock")

    /// Bytes of a lockspace's and of a resource's name (`SANLK_NAME_LEN`).
    static let longestName = 48

    /// Speaks to the sanlock daemon of this machine, or of `SANLOCK_RUN_DIR`.
    public convenience init(_ configuration: Configuration) {
        self.init(configuration, calls: .live)
    }

    /// The same through other calls, such as some that fail now and then.
    package init(_ configuration: Configuration, calls: SanlockCalls) {
        let (events, reports) = AsyncStream<LockManagerEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Limits.eventsKept))
        self.events = events
        self.context = SanlockContext(
            configuration: configuration, calls: calls, reports: reports)
        let lockspaces = self.lockspaces
        self.killSocket = KillSocket { notice in
            Task { await lockspaces.subject(of: notice)?.killed() }
        }
    }

    deinit {
        self.context.reports.finish()
    }

    var configuration: Configuration { self.context.configuration }
    var calls: SanlockCalls { self.context.calls }

    /// Leases on the volume group's storage; value blocks and tokens as configured.
    public var capabilities: LockManagerCapabilities {
        LockManagerCapabilities(
            waitsInQueue: false,
            valueBlock: self.configuration.valueBlocks
                ? .bytes(ValueBlock.storedByteCount) : .none,
            adoption: true, ownerInformation: true,
            fencingTokens: self.configuration.fencingTokens, leasesOnStorage: true,
            globalLock: .inVolumeGroup, longestLockspaceName: Self.longestName,
            longestResourceName: Self.longestName, mostHosts: Self.mostHosts)
    }

    /// sanlock's `DEFAULT_MAX_HOSTS`.
    static let mostHosts = 2000

    /// Does the daemon answer?
    public func isRunning() async -> Bool {
        do throws(LockManagerError) {
            _ = try await self.daemonVersion("ask for the version of sanlock")
            return true
        } catch {
            return false
        }
    }

    /// The daemon's version, `0xMMmmpp00`.
    func daemonVersion(_ doing: String) async throws(LockManagerError) -> UInt32 {
        let calls = self.calls
        do throws(SanlockStatus) {
            return try await self.housekeeping.run { () throws(SanlockStatus) in
                try calls.version()
            }
        } catch {
            throw LockManagerError(
                .managerUnavailable, layer: .daemon, doing: doing, status: error.rawValue,
                advice: "is the sanlock daemon running?")
        }
    }

    // MARK: Holds

    /// Takes the lease. Waits for no other host, not even for one that failed.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        let lockspace = try self.member(resource.id, "acquire")
        return try await lockspace.acquire(resource, mode, options)
    }

    /// Moves the lease between shared and exclusive.
    public func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        let lockspace = try self.member(resource, "convert")
        return try await lockspace.convert(resource.name, to: mode, writing: value)
    }

    /// Frees the lease.
    public func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        let lockspace = try self.member(resource, "release")
        try await lockspace.release(resource.name, writing: value)
    }

    /// The hosts that the lease and the lockspace name.
    public func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        let lockspace = try self.member(resource.id, "look up who holds")
        return try await lockspace.holders(of: resource)
    }

    private func member(
        _ resource: Resource.ID, _ verb: StaticString
    ) throws(LockManagerError) -> SanlockLockspace {
        try self.lockspaces.member(
            resource.lockspace, "\(verb) \(resource.name) in \(resource.lockspace)")
    }
}
#endif
