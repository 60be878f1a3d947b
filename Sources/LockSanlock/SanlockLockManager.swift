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
    public final class SanlockLockManager: LockManager {
        public let kind = LockManagerKind.sanlock
        public let events: AsyncStream<LockManagerEvent>
        let configuration: Configuration
        let calls: SanlockCalls
        let reports: AsyncStream<LockManagerEvent>.Continuation

        /// Speaks to the sanlock daemon of this machine.
        public convenience init(_ configuration: Configuration) {
            self.init(configuration, calls: .live)
        }

        init(_ configuration: Configuration, calls: SanlockCalls) {
            self.configuration = configuration
            self.calls = calls
            (self.events, self.reports) = AsyncStream.makeStream(
                bufferingPolicy: .bufferingNewest(Limits.eventsKept))
        }

        public var capabilities: LockManagerCapabilities {
            LockManagerCapabilities(
                waitsInQueue: false, valueBlock: self.configuration.valueBlocks ? .bytes(8) : .none,
                adoption: true, ownerInformation: true,
                fencingTokens: self.configuration.fencingTokens, leasesOnStorage: true,
                globalLock: .inVolumeGroup, longestLockspaceName: 48, longestResourceName: 48,
                mostHosts: 2000)
        }

        public func isRunning() async -> Bool { false }
        public func prepare(
            _ lockspace: Lockspace, _ options: JoinOptions
        ) async throws(LockManagerError) -> Prepared {
            throw LockManagerError(.notSupported, doing: "prepare \(lockspace.id)")
        }
        public func join(
            _ prepared: Prepared, _ options: JoinOptions
        ) async throws(LockManagerError) -> Membership {
            throw LockManagerError(.notSupported, doing: "join \(prepared.lockspace.id)")
        }
        public func leave(
            _ lockspace: Lockspace.ID, _ reason: LeaveReason
        ) async throws(LockManagerError) {}
        public func otherHosts(
            in lockspace: Lockspace.ID
        ) async throws(LockManagerError) -> OtherHosts { .unknown }
        public func acquire(
            _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
        ) async throws(LockManagerError) -> AcquireOutcome {
            throw LockManagerError(.notSupported, doing: "acquire \(resource.id.name)")
        }
        public func convert(
            _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
        ) async throws(LockManagerError) -> AcquireOutcome {
            throw LockManagerError(.notSupported, doing: "convert \(resource.name)")
        }
        public func release(
            _ resource: Resource.ID, writing value: ValueBlock?
        ) async throws(LockManagerError) {}
    }
#endif
