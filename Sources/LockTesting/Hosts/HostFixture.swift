public import LockCore

/// Several hosts, each with a lock manager, that a rule starts, crashes, restarts, and cuts off.
///
/// ``LocalHosts`` keeps the managers in this process; ``AgentFixture`` gives each host a process of
/// its own, or a machine. What surrounds the hosts, and what else can be done to them, is the
/// ``HostWorld``.
public protocol HostFixture: Sendable {
    /// What surrounds the hosts.
    associatedtype World: HostWorld
    /// What surrounds the hosts.
    var world: World { get }
    /// How many hosts there are. They are counted from 1.
    var hostCount: Int { get }

    /// The process that runs on the host; machine and process are started if they are not up.
    func start(_ host: Int) async throws(FixtureError) -> RunningHost
    /// Ends the host's process without a word to its lock manager, and starts another.
    func restart(_ host: Int) async throws(FixtureError) -> RunningHost
    /// Stops the host's machine at once. ``start(_:)`` boots it again.
    func crash(_ host: Int) async throws(FixtureError)
    /// Lets nothing that the host does reach the others, and nothing that they do reach the host.
    /// Its calls fail or do not answer.
    func cutOff(_ host: Int) async throws(FixtureError)
    /// Ends what ``cutOff(_:)`` began.
    func reconnect(_ host: Int) async throws(FixtureError)
    /// Ends every process that the fixture started.
    func stop() async
}

/// What surrounds hosts: the machines below them, the storage or network that they share, and the
/// means to make a lock manager fail.
///
/// Only ``timing`` and ``abilities`` have to be implemented. A method that no ability stands for
/// is never called.
public protocol HostWorld: Sendable {
    /// What can be done to hosts. A rule that needs more does not apply.
    var abilities: Set<HostAbility> { get }
    /// How long things take.
    var timing: HostTiming { get }

    /// The host's process is about to be talked to. If nobody else starts it, or turns on the
    /// machine that it runs on, that happens here.
    func processStarts(on host: Int) async throws(FixtureError)
    /// The host's process has ended; another is about to start.
    func processEnded(on host: Int) async throws(FixtureError)
    /// Stops the machine at once. Its process has ended, or ends with it.
    func crash(_ host: Int) async throws(FixtureError)
    /// Separates a machine from the others.
    func cutOff(_ host: Int) async throws(FixtureError)
    /// Ends what ``cutOff(_:)`` began.
    func reconnect(_ host: Int) async throws(FixtureError)
    /// Makes a host lose a lockspace.
    func takeAway(_ lockspace: Lockspace.ID, from host: Int) async throws(FixtureError)
    /// Puts a fault in store for the next such call of a host for a resource.
    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError)

    /// Makes a volume group that no host has used under this name, or one that was removed.
    ///
    /// - Parameter manager: A running manager of one of the hosts.
    func makeVolumeGroup(
        named name: String, with manager: any LockManager
    ) async throws(FixtureError) -> Lockspace
    /// Makes a logical volume that can be locked. All hosts given have joined.
    ///
    /// - Parameter manager: A running manager of one of the members.
    func makeVolume(
        named name: String, in lockspace: Lockspace, with manager: any LockManager
    ) async throws(FixtureError) -> Resource
    /// The volume group is not needed any more. Hosts that crashed may still be members.
    func remove(_ lockspace: Lockspace) async
}

// What follows from an ability that a world does not have, and volume groups without storage.
extension HostWorld {
    /// The fixture starts it, and the machine is on.
    public func processStarts(on host: Int) async throws(FixtureError) {}

    /// The machine keeps nothing of a process that has ended.
    public func processEnded(on host: Int) async throws(FixtureError) {}

    /// Not without ``HostAbility/crash``.
    public func crash(_ host: Int) async throws(FixtureError) {
        throw FixtureError("crash host \(host)", "there is no way to")
    }

    /// Not without ``HostAbility/cutOff``.
    public func cutOff(_ host: Int) async throws(FixtureError) {
        throw FixtureError("cut off host \(host)", "there is no way to")
    }

    /// Not without ``HostAbility/cutOff``.
    public func reconnect(_ host: Int) async throws(FixtureError) {
        throw FixtureError("reconnect host \(host)", "there is no way to")
    }

    /// Not without ``HostAbility/loss``.
    public func takeAway(
        _ lockspace: Lockspace.ID, from host: Int
    ) async throws(FixtureError) {
        throw FixtureError("take \(lockspace) from host \(host)", "there is no way to")
    }

    /// Not without ``HostAbility/failures`` or ``HostAbility/delays``.
    public func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError) {
        throw FixtureError("make host \(host) fail to \(call)", "there is no way to")
    }

    /// Lets the manager make the lock arguments. Where it keeps leases, they would be on a volume
    /// called `lvmlock`.
    public func makeVolumeGroup(
        named name: String, with manager: any LockManager
    ) async throws(FixtureError) -> Lockspace {
        let hasLeases = manager.capabilities.leasesOnStorage
        let request = VolumeGroupRequest(
            volumeGroup: name, arguments: hasLeases ? "lvmlock" : "", globalLock: false)
        do throws(LockManagerError) {
            let made = try await manager.initialise(request)
            return Lockspace(
                volumeGroup: name, kind: manager.kind, arguments: made.arguments)
        } catch {
            throw FixtureError("make volume group \(name)", "\(error)")
        }
    }

    /// Lets the manager make a lease, where it keeps any.
    public func makeVolume(
        named name: String, in lockspace: Lockspace, with manager: any LockManager
    ) async throws(FixtureError) -> Resource {
        let id = Resource.ID(lockspace: lockspace.id, name: .logicalVolume(name))
        guard manager.capabilities.leasesOnStorage, let store = manager as? any LeaseStore else {
            return Resource(id)
        }
        let request = LogicalVolumeRequest(
            volumeGroup: lockspace.volumeGroup, groupArguments: lockspace.arguments,
            volume: LogicalVolume(uuid: name, name: name))
        do throws(LockManagerError) {
            return Resource(id, arguments: try await store.allocateLease(request))
        } catch {
            throw FixtureError("make volume \(name)", "\(error)")
        }
    }

    /// Nothing is left of a volume group without storage.
    public func remove(_ lockspace: Lockspace) async {}
}
