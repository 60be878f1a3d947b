internal import Dispatch
public import LockCore

extension LockManagerKind {
    /// The kernel's distributed lock manager.
    public static let dlm = LockManagerKind(rawValue: "dlm")
}

/// The lock manager on the kernel's DLM, with dlm_controld and corosync below it.
///
/// Names, modes and value blocks are lvmlockd's, so that hosts with either share a lockspace. A
/// request that waits does so in the kernel's queue, and takes no thread.
///
/// **Loss.** What the other hosts think of this one does not reach it before dlm_controld ends;
/// then every lockspace counts as lost, with no time left. Without quorum nothing is lost, and
/// nothing is granted either: an acquire waits for it, as for the recovery after a host's death,
/// and is refused after a minute.
public struct DLMLockManager: LockManager {
    /// `dlm`.
    public let kind = LockManagerKind.dlm
    /// Losses and requests of other hosts, in the order in which they are noticed.
    public let events: AsyncStream<LockManagerEvent>
    let members: DLMMembers
    private let files: ClusterFiles
    private let calls: DLMCalls
    let control: DLMControl?

    /// `DLM_LOCKSPACE_LEN` and `DLM_RESNAME_MAXLEN`.
    static let longestName = 64
    /// The major version of the lock arguments that this manager writes and reads.
    private static let argumentsVersion = 1

    /// How long a request may take in a lockspace that is stopped: other hosts die and are fenced
    /// in less.
    static let patience = Duration.seconds(60)

    init(
        calls: DLMCalls, files: ClusterFiles, watch: DaemonWatch, control: DLMControl?,
        patience: Duration = Self.patience
    ) {
        let (events, reports) = AsyncStream.makeStream(of: LockManagerEvent.self)
        self.events = events
        self.calls = calls
        self.files = files
        self.control = control
        self.members = DLMMembers(
            calls: calls, files: files, watch: watch, patience: patience
        ) { reports.yield($0) }
    }

    /// A queue and a value block; no owners and no fencing tokens, which DLM does not tell.
    public var capabilities: LockManagerCapabilities {
        LockManagerCapabilities(
            waitsInQueue: true, valueBlock: .bytes(32), adoption: true, ownerInformation: false,
            fencingTokens: false, leasesOnStorage: false, globalLock: .ownLockspace,
            longestLockspaceName: Self.longestName, longestResourceName: Self.longestName,
            mostHosts: 128)
    }

    /// True once dlm_controld has given the kernel the cluster's name.
    public func isRunning() async -> Bool {
        self.files.clusterName() != nil
    }

    // MARK: Volume groups

    /// `1.0.0:` and the cluster's name.
    public func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        let doing = "make lock arguments for \(request.volumeGroup)"
        let arguments = "\(Self.argumentsVersion).0.0:\(try self.clusterName(doing))"
        guard arguments.utf8.count <= Limits.argumentsBytes else {
            let advice = "the cluster's name is too long for them"
            throw LockManagerError(.badArguments, doing: doing, advice: advice)
        }
        return VolumeGroupArguments(arguments)
    }

    /// Checks that the volume group belongs to this cluster, and that the kernel will talk to us.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        let doing = "start \(lockspace.id)"
        let name = try self.clusterName(doing)
        guard lockspace.id.name.utf8.count <= Self.longestName else {
            let advice = "the kernel keeps \(Self.longestName) bytes"
            throw LockManagerError(.nameTooLong, doing: doing, advice: advice)
        }
        // A lockspace for the global lock has no arguments.
        if !lockspace.arguments.isEmpty {
            try Self.check(lockspace.arguments, cluster: name, doing)
        }
        if let obstacle = self.files.obstacle() { throw Self.failure(obstacle, doing) }
        switch await self.members.kernelVersion() {
        case .success(.withoutValues):
            let advice = "the kernel's DLM 6.0.1 loses value blocks; use a newer kernel"
            throw LockManagerError(.managerUnavailable, doing: doing, advice: advice)
        case .success: return Prepared(lockspace)
        case .failure(let failure): throw Self.failure(failure.status, doing)
        }
    }

    private func clusterName(_ doing: String) throws(LockManagerError) -> String {
        if let name = self.files.clusterName() { return name }
        let advice = "this host is in no cluster: \(DLMWords.noDaemon)"
        throw LockManagerError(.managerUnavailable, layer: .daemon, doing: doing, advice: advice)
    }

    /// Lock arguments are a version, then anything, then the cluster's name.
    private static func check(
        _ arguments: String, cluster: String, _ doing: String
    ) throws(LockManagerError) {
        let parts = arguments.split(separator: ":", omittingEmptySubsequences: false)
        let major = parts.first?.split(separator: ".").first.flatMap { Int($0) }
        guard parts.count >= 2, let major, let name = parts.last, !name.isEmpty else {
            let advice = "the lock arguments '\(arguments)' are not VERSION:CLUSTER"
            throw LockManagerError(.badArguments, doing: doing, advice: advice)
        }
        guard major <= Self.argumentsVersion else {
            let advice = "the lock arguments '\(arguments)' are of a later version"
            throw LockManagerError(.badArguments, doing: doing, advice: advice)
        }
        guard name == cluster[...] else {
            let advice = "it belongs to the cluster '\(name)', and this one is '\(cluster)'"
            throw LockManagerError(.badArguments, doing: doing, advice: advice)
        }
    }

    // MARK: Lockspaces

    /// Waits for dlm_controld, which arranges the join with the other hosts: without quorum, long.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        try await self.members.join(
            prepared.lockspace.id, adopting: options.adopting, node: self.files.nodeID() ?? 0)
    }

    /// Also leaves a lockspace that an earlier process left joined.
    public func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        let isJoined = self.files.lockspaces()[lockspace.name] != nil
        try await self.members.leave(lockspace, isLeftBehind: isJoined)
    }

    /// Counts the hosts that dlm_controld has told the kernel of. One that died counts until it is
    /// recovered.
    public func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        _ = try self.lockspace(lockspace, "list the hosts of \(lockspace)")
        guard let count = self.files.lockspaces()[lockspace.name], count > 0 else {
            return .unknown
        }
        return count == 1 ? .none : .count(count - 1)
    }

    /// Lists what the kernel knows of lvm's lockspaces and this process has not joined.
    public func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        let joined = self.members.joined
        return self.files.lockspaces().keys.sorted()
            .filter { $0.hasPrefix("lvm_") }
            .map { Lockspace.ID(kind: .dlm, name: $0) }
            .filter { !joined.contains($0) }
    }

    /// Ends every lock in the lockspace that ended processes of this host left behind.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        let doing = "purge the orphans of \(lockspace)"
        let status = await (try self.lockspace(lockspace, doing)).purge()
        if status != .success { throw Self.failure(status, doing) }
    }

    // MARK: Locks

    /// Suspends without a thread. A task that is cancelled meanwhile withdraws its request.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        let call = DLMCall.acquire(mode, waits: options.waiting, adopting: options.adopting)
        return try await self.outcome(of: call, for: resource.id)
    }

    /// Takes the request out of the kernel's queue. If the lockspace stays stopped, the request is
    /// answered a minute later all the same, with the hold unknown.
    public func cancelAcquire(_ resource: Resource.ID) async {
        await self.members[resource.lockspace]?.withdraw(resource.name)
    }

    /// A step up does not wait, and may overtake those that wait for the lock as a whole.
    public func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.outcome(of: .convert(mode, writing: value), for: resource)
    }

    /// The lock goes back to null mode. A release that fails is tried until it works.
    public func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        let space = try self.lockspace(resource.lockspace, "release \(resource.name)")
        _ = try await space.call(.release(writing: value), for: resource.name).get()
    }

    /// Ends the null lock, and with the last of all hosts' the value block.
    public func forget(_ resource: Resource.ID) async {
        // There is nobody to tell of a failure, and the lock finishes it by itself.
        _ = await self.members[resource.lockspace]?.call(.forget, for: resource.name)
    }

    private func outcome(
        of call: DLMCall, for resource: Resource.ID
    ) async throws(LockManagerError) -> AcquireOutcome {
        let doing = "\(DLMWords.describe(call)) \(resource.name) in \(resource.lockspace)"
        let space = try self.lockspace(resource.lockspace, doing)
        guard let outcome = try await space.call(call, for: resource.name).get() else {
            preconditionFailure("\(doing) was answered without an outcome")
        }
        return outcome
    }

    private func lockspace(
        _ id: Lockspace.ID, _ doing: String
    ) throws(LockManagerError) -> DLMLockspace {
        if let space = self.members[id] { return space }
        throw LockManagerError(.lockspaceNotFound, doing: doing)
    }

    /// What a status means where lockspaces come and go.
    static func failure(_ status: DLMStatus, _ doing: String) -> LockManagerError {
        let (code, advice): (LockErrorCode, String) =
            switch status {
            case .exists:
                (
                    .lockspaceExists,
                    "an earlier process on this host left it joined; adopt it, or, when nothing "
                        + "here uses its volumes, 'dlm_tool leave' it"
                )
            case .notPermitted, .notAllowed: (.notPermitted, "run as root")
            case .noDaemon: (.managerUnavailable, DLMWords.noDaemon)
            case .notFound, .noDevice:
                (.managerUnavailable, "load the kernel's module dlm and \(DLMWords.noDaemon)")
            default: (.managerFailed, "")
            }
        return LockManagerError(code, doing: doing, status: status.rawValue, advice: advice)
    }
}

#if DLM
extension DLMLockManager {
    /// Speaks to the kernel of this machine.
    public init() {
        self.init(calls: .live, files: .live, watch: .live, control: .live)
    }
}
#endif
