import LockCore
import LockInMemory
import Testing

/// The global lock of managers that keep it in a volume group.
struct GlobalLockTests {
    private func services(
        _ kind: LockManagerKind, hosts: UInt64 = 1, in cluster: InMemoryCluster? = nil
    ) -> [LockService] {
        let cluster = cluster ?? .presenting(kind)
        return (1...hosts).map { host in
            LockService(
                managers: [cluster.host(host)],
                configuration: LockService.Configuration(time: ManualTime()))
        }
    }

    private func initialise(_ volumeGroup: String, globalLock: Bool?) -> Action {
        let request = VolumeGroupRequest(
            volumeGroup: volumeGroup, arguments: "lvmlock", globalLock: globalLock)
        return Action(.initialiseVolumeGroup(request), volumeGroup: volumeGroup, kind: .sanlock)
    }

    @Test(arguments: [(LockManagerKind.sanlock, nil), (.dlm, LockErrorCode.nameCollision)])
    func `a volume group can be called global where the global lock has no lockspace of its own`(
        kind: LockManagerKind, error: LockErrorCode?
    ) async {
        let service = self.services(kind)[0]
        let client = await service.openClient()
        if kind == .sanlock {
            #expect(await service.ask(.initialise("global"), as: client).error == nil)
        }
        #expect(await service.ask(.start("global", kind), as: client).error == error)
        guard error == nil else { return }
        #expect(await service.ask(.lock(.global, .shared), as: client).error == nil)
        #expect(
            await service.ask(.lock(.volumeGroup, .shared, in: "global"), as: client).error == nil)
    }

    @Test func `a further volume group gets no global lock unless that is asked for`() async {
        let service = self.services(.sanlock)[0]
        let client = await service.openClient()
        for name in ["vg0", "vg1"] {
            _ = await service.ask(self.initialise(name, globalLock: nil), as: client)
            _ = await service.ask(.start(name, .sanlock), as: client)
        }
        let carriers = await service.status().lockspaces.filter(\.carriesGlobalLock)
        #expect(carriers.map(\.lockspace.volumeGroup) == ["vg0"])
    }

    @Test func `two volume groups with a global lock are noted until one is disabled anywhere`()
        async
    {
        let services = self.services(.sanlock, hosts: 2)
        let service = services[0]
        let client = await service.openClient()
        let other = await services[1].openClient()
        for name in ["vg0", "vg1"] {
            _ = await service.ask(self.initialise(name, globalLock: true), as: client)
            _ = await service.ask(.start(name, .sanlock), as: client)
        }
        let lock = Action.lock(.volumeGroup, .exclusive, in: "vg1")
        let unlock = Action.unlock(.volumeGroup, in: "vg1")
        #expect(await service.ask(lock, as: client).notes == .duplicateGlobalLock)
        #expect(await service.ask(unlock, as: client).notes == [])
        let global = await service.ask(.lock(.global, .shared), as: client)
        #expect(global.notes == .duplicateGlobalLock)
        #expect(await service.ask(.unlock(.global), as: client).error == nil)

        _ = await services[1].ask(.start("vg1", .sanlock, host: 2), as: other)
        let disable = Action(.disableGlobalLock, volumeGroup: "vg1")
        #expect(await services[1].ask(disable, as: other).error == nil)
        // The reply that finds out may still say so.
        _ = await service.ask(lock, as: client)
        _ = await service.ask(unlock, as: client)
        #expect(await service.ask(lock, as: client).notes == [])
        #expect(await service.ask(.lock(.global, .shared), as: client).notes == [])
    }

    @Test func `a global lock that another host moved is missing once, and then found`() async {
        let cluster = InMemoryCluster.presenting(.sanlock)
        let services = self.services(.sanlock, hosts: 2, in: cluster)
        let clients = [await services[0].openClient(), await services[1].openClient()]
        for (name, carries) in [("vg0", true), ("vg1", false)] {
            _ = await services[0].ask(self.initialise(name, globalLock: carries), as: clients[0])
            for host in [0, 1] {
                let start = Action.start(name, .sanlock, host: UInt32(host + 1))
                #expect(await services[host].ask(start, as: clients[host]).error == nil)
            }
        }
        let disable = Action(.disableGlobalLock, volumeGroup: "vg0")
        let enable = Action(.enableGlobalLock, volumeGroup: "vg1")
        #expect(await services[1].ask(disable, as: clients[1]).error == nil)
        #expect(await services[1].ask(enable, as: clients[1]).error == nil)

        // Storage has no lease of that name any more.
        cluster.inject(
            .failure(.globalLockDisabled, hold: .unchanged, status: -227),
            where: InMemoryCluster.FaultFilter(.acquire, host: 1, resource: .global))
        let missing = await services[0].ask(.lock(.global, .exclusive), as: clients[0])
        #expect(missing.error == .lockspaceNotFound)
        #expect(missing.notes == .noGlobalLock)
        #expect(await services[0].ask(.lock(.global, .exclusive), as: clients[0]).error == nil)
        let contended = await services[1].ask(
            Action(.lock(.global, .exclusive, .no)), as: clients[1])
        #expect(contended.error == .contended)
    }

    @Test func `removing the volume group with the global lock is noted until another has it`()
        async
    {
        let service = self.services(.sanlock)[0]
        let client = await service.openClient()
        for (name, carries) in [("vg0", true), ("vg1", false)] {
            _ = await service.ask(self.initialise(name, globalLock: carries), as: client)
            _ = await service.ask(.start(name, .sanlock), as: client)
        }
        let removed = await service.ask(
            Action(.freeVolumeGroup, volumeGroup: "vg0"), as: client)
        #expect(removed.error == nil)
        #expect(removed.notes == .globalLockRemoved)
        let lock = Action.lock(.volumeGroup, .shared, in: "vg1")
        #expect(await service.ask(lock, as: client).notes == .globalLockRemoved)
        let global = await service.ask(.lock(.global, .shared), as: client)
        #expect(global.error == .lockspaceNotFound)
        #expect(global.notes == [.noGlobalLock, .globalLockRemoved])
        let enable = Action(.enableGlobalLock, volumeGroup: "vg1")
        let enabled = await service.ask(enable, as: client)
        #expect(enabled.error == nil)
        #expect(enabled.notes == [])
        #expect(await service.ask(.lock(.global, .shared), as: client).notes == [])
    }

    @Test func `lock arguments that cannot be kept are refused before the lockspace stops`() async {
        let service = self.services(.sanlock)[0]
        let client = await service.openClient()
        _ = await service.ask(.initialise("vg0"), as: client)
        _ = await service.ask(.start("vg0", .sanlock), as: client)
        func change(_ words: String) -> Action {
            let request = VolumeGroupRequest(
                volumeGroup: "vg0", arguments: "1.0.0:lvmlock", wanted: words)
            return Action(.changeArgumentsBefore(request), volumeGroup: "vg0", kind: .sanlock)
        }
        #expect(await service.ask(change("fast"), as: client).error == .notSupported)
        let lock = Action.lock(.volumeGroup, .shared, in: "vg0")
        #expect(await service.ask(lock, as: client).error == nil)
        #expect(await service.ask(.unlock(.volumeGroup, in: "vg0"), as: client).error == nil)
        #expect(await service.ask(change("persist"), as: client).error == nil)
        #expect(await service.ask(lock, as: client).error == .lockspaceNotFound)
    }
}
