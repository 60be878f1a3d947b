import LockCore

/// Grants whatever is asked for, at once, and remembers nothing: what is measured with it is the
/// engine and the runtime above it.
struct GrantingLockManager: LockManager {
    static let kind = LockManagerKind(rawValue: "dlm")

    var kind: LockManagerKind { Self.kind }
    let capabilities = LockManagerCapabilities(
        waitsInQueue: false, valueBlock: .bytes(32), adoption: false, ownerInformation: false,
        fencingTokens: false, leasesOnStorage: false, globalLock: .ownLockspace,
        longestLockspaceName: 64, longestResourceName: 64, mostHosts: 1)
    let events = AsyncStream<LockManagerEvent> { _ in }

    func isRunning() async -> Bool { true }

    func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        VolumeGroupArguments("1.0.0:bench")
    }

    func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        Prepared(lockspace)
    }

    func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        Membership(id: Membership.ID(1))
    }

    func leave(_ lockspace: Lockspace.ID, _ reason: LeaveReason) async throws(LockManagerError) {}

    func otherHosts(in lockspace: Lockspace.ID) async throws(LockManagerError) -> OtherHosts {
        .none
    }

    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        .granted(Grant(id: Grant.ID(1)))
    }

    func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        .granted(Grant(id: Grant.ID(1)))
    }

    func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {}
}
