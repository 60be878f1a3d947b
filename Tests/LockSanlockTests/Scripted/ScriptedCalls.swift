#if Sanlock
import Glibc
import LockCore
import Synchronization

@testable import LockSanlock

/// What a call returns, one time after the other; the last for ever.
final class Script: Sendable {
    private let results: [Int32]
    private let calls = Atomic<Int>(0)

    /// 0 lets the call succeed.
    init(_ results: Int32...) {
        self.results = results
    }

    /// How often the call was made.
    var count: Int { self.calls.load(ordering: .sequentiallyConsistent) }

    func run() throws(SanlockStatus) {
        let number = self.calls.add(1, ordering: .sequentiallyConsistent).oldValue
        let result = self.results[min(number, self.results.count - 1)]
        if result < 0 { throw SanlockStatus(rawValue: result) }
    }
}

extension SanlockCalls {
    /// A daemon without others, on which everything works.
    static func scripted(
        acquire: Script = Script(0), convert: Script = Script(0), release: Script = Script(0),
        owners: [HostRecord] = [], ownersShare: Bool = false, hosts: [HostRecord] = []
    ) -> SanlockCalls {
        SanlockCalls(
            version: { 0x0308_0500 }, register: { RegisteredSocket(descriptor: -1) },
            restrict: { _, _ in }, setKillPath: { _, _, _ in }, close: { _ in },
            acquire: { _, _, _, _ throws(SanlockStatus) in try acquire.run() },
            convert: { _, _, _ throws(SanlockStatus) in try convert.run() },
            release: { _, _ throws(SanlockStatus) in try release.run() },
            releaseRenaming: { _, _, _ in }, releaseOrphans: { _, _, _ in },
            inquire: { _ in [] }, setValueBlock: { _, _ in },
            valueBlock: { _, count in [UInt8](repeating: 0, count: count) },
            addLockspace: { _, _, _ in }, inquireLockspace: { _, _ in },
            removeLockspace: { _, _ in }, lockspaces: { [] }, hosts: { _, _ in hosts },
            watchLockspace: { _ in RegisteredSocket(descriptor: -1) }, configure: { _, _ in },
            align: { _ in 1 << 20 }, writeLockspace: { _, _, _ in },
            readLockspace: { ($0, 1) }, writeResource: { _, _ in }, readResource: { $0 },
            readOwners: { record in
                var record = record
                if ownersShare { record.flags.insert(.shared) }
                return (record, owners)
            })
    }
}

extension HostRecord {
    /// A host as `sanlock_get_hosts` lists it, or a lease its owner.
    static func host(
        _ id: UInt64, generation: UInt64 = 1, timestamp: UInt64 = 100, state: UInt32 = 3
    ) -> HostRecord {
        HostRecord(
            id: id, generation: generation, timestamp: timestamp, ioTimeoutSeconds: 10,
            flags: state)
    }
}

/// A lockspace that host 1 has joined, on scripted calls.
struct ScriptedLockspace {
    let lockspace: SanlockLockspace
    let events: AsyncStream<LockManagerEvent>
    let volume: Resource
    private let reports: AsyncStream<LockManagerEvent>.Continuation

    init(
        _ calls: SanlockCalls,
        _ change: (inout SanlockLockManager.Configuration) -> Void = { _ in }
    ) {
        var configuration = SanlockLockManager.Configuration(killHelperPath: "/bin/true")
        change(&configuration)
        let (events, reports) = AsyncStream<LockManagerEvent>.makeStream()
        let id = Lockspace.ID(kind: .sanlock, volumeGroup: "vg0")
        let plan = LockspacePlan(
            id: id, hostID: 1, place: LeasePlace(path: "/nowhere", offset: 0),
            layout: LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512),
            housekeeping: BlockingExecutor(label: "tests"))
        self.lockspace = SanlockLockspace(
            plan, Membership(id: Membership.ID(1), hostID: 1, generation: 1),
            SanlockContext(configuration: configuration, calls: calls, reports: reports),
            killSocket: KillSocket.Address(name: "nobody", secret: 0))
        self.events = events
        self.reports = reports
        self.volume = Resource(
            Resource.ID(lockspace: id, name: .logicalVolume("volume")),
            arguments: "1.0.0:70254592")
    }

    /// A manager that takes host 1 for a member of the lockspace.
    static func manager(_ calls: SanlockCalls) -> (SanlockLockManager, Lockspace.ID) {
        let space = ScriptedLockspace(calls)
        let manager = SanlockLockManager(space.lockspace.configuration, calls: calls)
        manager.lockspaces.add(space.lockspace)
        return (manager, space.lockspace.id)
    }

    func acquire(
        _ mode: LockMode = .exclusive, _ options: AcquireOptions = AcquireOptions()
    ) async throws -> AcquireOutcome {
        try await self.lockspace.acquire(self.volume, mode, options)
    }

    /// Ends the events after those that were reported.
    func finishEvents() {
        self.reports.finish()
    }

    func release() async throws {
        try await self.lockspace.release(self.volume.id.name, writing: nil)
    }
}
#endif
