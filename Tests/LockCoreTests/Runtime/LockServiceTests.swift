import LockCore
import LockInMemory
import Testing

struct LockServiceTests {
    private func service(
        _ kinds: LockManagerKind..., time: any TimeSource = ManualTime(),
        inUse: LockManagerKind? = nil
    ) -> LockService {
        let managers = kinds.map { kind in
            InMemoryCluster.presenting(kind).host(1)
        }
        return LockService(
            managers: managers,
            configuration: LockService.Configuration(time: time, globalLockKind: inUse))
    }

    @Test func `an action that meets nobody is answered before submit returns`() async {
        let service = self.service(.dlm)
        let client = await service.openClient()
        #expect(await service.askAtOnce(.start("vg0", .dlm), as: client)?.error == nil)
        for action in [
            Action.lock(.volumeGroup, .exclusive, in: "vg0"),
            Action(.update(version: 7), volumeGroup: "vg0"),
            .lock(.volume("u1"), .exclusive, in: "vg0", options: .persistent),
            .unlock(.volume("u1"), in: "vg0", options: .persistent),
            .unlock(.volumeGroup, in: "vg0"),
            .lock(.global, .shared),
        ] {
            let reply = await service.askAtOnce(action, as: client)
            #expect(reply != nil && reply?.error == nil, "\(action)")
            #expect(reply?.kind == .dlm)
        }
    }

    @Test func `an unknown volume group is told apart by what else there is`() async {
        let service = self.service(.dlm, .sanlock)
        let client = await service.openClient()
        let unknown = Action.lock(.volumeGroup, .shared, in: "nowhere")
        var reply = await service.ask(unknown, as: client)
        #expect(reply.error == .lockspaceNotFound)
        #expect(reply.notes == [.noLockspaces, .noGlobalLock, .noManagerInUse])

        _ = await service.ask(.start("vg0", .dlm), as: client)
        reply = await service.ask(unknown, as: client)
        #expect(reply.notes == [])

        var named = unknown
        named.kind = .sanlock
        reply = await service.ask(named, as: client)
        #expect(reply.notes == [.noLockspaces, .noGlobalLock])
    }

    @Test func `the global lock of a dlm is started on demand and excludes clients`() async {
        let service = self.service(.dlm, inUse: .dlm)
        let first = await service.openClient()
        let second = await service.openClient()
        #expect(await service.ask(.lock(.global, .exclusive), as: first).error == nil)
        let waiting = await service.begin(.lock(.global, .exclusive), as: second)
        #expect(waiting.value == nil)
        #expect(await service.ask(.unlock(.global), as: first).error == nil)
        #expect(waiting.value?.error == nil && waiting.value != nil)
    }

    @Test func `the global lock takes those of all managers in use`() async {
        let service = self.service(.dlm, .sanlock)
        let client = await service.openClient()
        _ = await service.ask(.start("vgd", .dlm), as: client)
        var request = Action.lock(.global, .exclusive)
        request.kind = .sanlock
        // With a dlm group up, the first sanlock group is still created without a global lock.
        var reply = await service.ask(request, as: client)
        #expect(reply.error == .lockspaceNotFound)
        #expect(reply.notes == [.noLockspaces, .noGlobalLock])

        _ = await service.ask(.initialise("vgs"), as: client)
        _ = await service.ask(.start("vgs", .sanlock), as: client)
        reply = await service.ask(request, as: client)
        #expect(reply.error == nil)
        #expect(reply.kind == .sanlock)
        let held = await service.status().lockspaces.filter {
            $0.resources.contains { $0.name == .global && $0.mode == .exclusive }
        }
        #expect(held.map(\.lockspace.id.name) == ["lvm_global", "lvm_vgs"])

        #expect(await service.ask(.unlock(.global), as: client).error == nil)
        let left = await service.status().lockspaces.flatMap(\.resources).filter {
            $0.mode != .unlocked
        }
        #expect(left.isEmpty)
    }

    @Test func `if one of several global locks is refused none is kept`() async {
        let sanlock = InMemoryCluster.presenting(.sanlock)
        let service = LockService(
            managers: [InMemoryCluster.presenting(.dlm).host(1), sanlock.host(1)],
            configuration: LockService.Configuration(time: ManualTime()))
        let client = await service.openClient()
        _ = await service.ask(.start("vgd", .dlm), as: client)
        _ = await service.ask(.initialise("vgs"), as: client)
        _ = await service.ask(.start("vgs", .sanlock), as: client)
        sanlock.inject(
            .failure(.storageFailed, hold: .unchanged, status: nil), where: .init(.acquire))
        let reply = await service.ask(.lock(.global, .exclusive), as: client)
        #expect(reply.error == .storageFailed)
        let held = await service.status().lockspaces.flatMap(\.resources).filter {
            $0.mode != .unlocked
        }
        #expect(held.isEmpty)
    }

    @Test func `a closed client loses its requests and its transient locks`() async {
        let service = self.service(.dlm)
        let first = await service.openClient()
        let second = await service.openClient()
        let third = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: first)
        let lock = Action.lock(.volumeGroup, .exclusive, in: "vg0")
        _ = await service.ask(lock, as: first)
        let dropped = await service.begin(lock, as: second)
        let granted = await service.begin(lock, as: third)
        await service.closeClient(second)
        #expect(granted.value == nil)
        await service.closeClient(first)
        #expect(granted.value?.error == nil && granted.value != nil)
        #expect(dropped.value == nil)
    }

    @Test func `a lock whose reply was lost is released unless somebody used it since`() async {
        let service = self.service(.dlm)
        let first = await service.openClient()
        let second = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: first)
        let lock = Action.lock(.volume("u1"), .exclusive, in: "vg0", options: .persistent)
        let query = Action(.queryLock(.volume("u1")), volumeGroup: "vg0")
        _ = await service.ask(lock, as: first)
        #expect(await service.ask(query, as: second).content == .mode(.exclusive))
        await service.replyLost(lock, of: first)
        #expect(await service.ask(query, as: second).content == .mode(.unlocked))

        _ = await service.ask(lock, as: first)
        #expect(await service.ask(lock, as: second).error == .alreadyHeld)
        await service.replyLost(lock, of: first)
        #expect(await service.ask(query, as: second).content == .mode(.exclusive))
    }

    @Test func `stopping is refused while volumes are locked and ends the global lockspace`() async
    {
        let service = self.service(.dlm)
        let client = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: client)
        let volume = Action.Target.volume("u1")
        _ = await service.ask(.lock(volume, .shared, in: "vg0", options: .persistent), as: client)
        let stop = Action(.stop, volumeGroup: "vg0")
        #expect(await service.ask(stop, as: client).error == .lockspaceBusy)
        _ = await service.ask(.unlock(volume, in: "vg0", options: .persistent), as: client)
        let reply = await service.ask(stop, as: client)
        #expect(reply.error == nil && reply.kind == nil)
        #expect(await service.status().lockspaces.map(\.state) == [.stopped, .stopped])
        #expect(await service.ask(Action(.quit), as: client).error == nil)
    }

    @Test func `a stopped lockspace is listed for a while`() async {
        let time = ManualTime()
        let service = self.service(.dlm, time: time)
        let client = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: client)
        _ = await service.ask(Action(.stop, volumeGroup: "vg0"), as: client)
        let unlock = Action.unlock(.volumeGroup, in: "vg0")
        #expect(await service.ask(unlock, as: client).notes == [])
        await time.untilAsleep(2)
        time.pass(Limits.stoppedLockspaceStaysListed)
        while await !service.status().lockspaces.isEmpty { await Task.yield() }
        #expect(await service.ask(unlock, as: client).notes.contains(.noLockspaces))
    }

    @Test func `stop_all waits until the last lock is released`() async {
        let service = self.service(.dlm)
        let client = await service.openClient()
        let other = await service.openClient()
        for name in ["vg0", "vg1"] { _ = await service.ask(.start(name, .dlm), as: client) }
        let volume = Action.Target.volume("u1")
        _ = await service.ask(.lock(volume, .shared, in: "vg0", options: .persistent), as: client)
        #expect(await service.ask(Action(.stopAll), as: other).content == .lockspacesLeft(1))
        #expect(await service.ask(Action(.quit), as: other).error == .lockspaceBusy)
        let waiting = await service.begin(Action(.stopAll, options: .wait), as: other)
        #expect(waiting.value == nil)
        _ = await service.ask(.unlock(volume, in: "vg0", options: .persistent), as: client)
        #expect(waiting.value?.content == .lockspacesLeft(0))
        #expect(await service.status().lockspaces.isEmpty)
    }

    @Test func `what cannot be stopped is named`() async {
        let service = self.service(.dlm)
        let client = await service.openClient()
        for name in ["vg0", "vg1"] { _ = await service.ask(.start(name, .dlm), as: client) }
        _ = await service.ask(.lock(.volumeGroup, .shared, in: "vg1"), as: client)
        #expect(await service.stopUnused().map(\.lockspace.id.name) == ["lvm_vg1"])
        await service.closeClient(client)
        #expect(await service.stopUnused().isEmpty)
    }

    @Test func `a killed volume group lets go and nothing else`() async {
        let service = self.service(.dlm)
        let client = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: client)
        _ = await service.ask(.lock(.volumeGroup, .exclusive, in: "vg0"), as: client)
        _ = await service.ask(Action(.kill, volumeGroup: "vg0"), as: client)
        _ = await service.ask(Action(.kill, volumeGroup: "vg0"), as: client)
        let refused = Action.lock(.volume("u1"), .shared, in: "vg0")
        #expect(await service.ask(refused, as: client).error == .lockspaceKilled)
        #expect(await service.ask(.unlock(.volumeGroup, in: "vg0"), as: client).error == nil)
        #expect(await service.ask(Action(.drop, volumeGroup: "vg0"), as: client).error == nil)
        #expect(await service.ask(refused, as: client).error == .lockspaceNotFound)
    }

    @Test func `disabling the global lock leaves none to take`() async {
        let service = self.service(.sanlock)
        let client = await service.openClient()
        _ = await service.ask(.initialise("vgs"), as: client)
        _ = await service.ask(.start("vgs", .sanlock), as: client)
        #expect(await service.ask(.lock(.global, .shared), as: client).error == nil)
        #expect(await service.ask(.unlock(.global), as: client).error == nil)
        let disable = Action(.disableGlobalLock, volumeGroup: "vgs")
        let enable = Action(.enableGlobalLock, volumeGroup: "vgs")
        #expect(await service.ask(enable, as: client).error == .invalidRequest)
        #expect(await service.ask(disable, as: client).error == nil)
        let reply = await service.ask(.lock(.global, .shared), as: client)
        #expect(reply.error == .lockspaceNotFound)
        #expect(reply.notes == [.noGlobalLock])
        #expect(await service.ask(enable, as: client).error == nil)
        #expect(await service.ask(.lock(.global, .shared), as: client).error == nil)
    }

    @Test func `a request costs the same with a hundred thousand locks held`() async {
        let service = self.service(.dlm)
        let client = await service.openClient()
        _ = await service.ask(.start("vg0", .dlm), as: client)
        let cost = { () async -> UInt64 in
            let before = await service.steps(in: "vg0")
            for action in [
                Action.lock(.volume("x"), .exclusive, in: "vg0"), .unlock(.volume("x"), in: "vg0"),
            ] { #expect(await service.askAtOnce(action, as: client)?.error == nil) }
            return await service.steps(in: "vg0") - before
        }
        let empty = await cost()
        for number in 0..<100_000 {
            let action = Action.lock(
                .volume("volume-\(number)"), .exclusive, in: "vg0", options: .persistent)
            #expect(await service.askAtOnce(action, as: client)?.error == nil)
        }
        #expect(await cost() == empty)
    }

    @Test(arguments: [LockManagerKind.dlm, .sanlock])
    func `a contended lock delays no other`(_ kind: LockManagerKind) async {
        let cluster = InMemoryCluster.presenting(kind)
        var services: [LockService] = []
        for host in [1, 2] as [UInt64] {
            let configuration = LockService.Configuration(time: ManualTime())
            services.append(
                LockService(managers: [cluster.host(host)], configuration: configuration))
        }
        let holder = await services[0].openClient()
        if kind == .sanlock { _ = await services[0].ask(.initialise("vg0"), as: holder) }
        _ = await services[0].ask(.start("vg0", kind), as: holder)
        _ = await services[0].ask(.lock(.volumeGroup, .exclusive, in: "vg0"), as: holder)

        let waiter = await services[1].openClient()
        let client = await services[1].openClient()
        _ = await services[1].ask(.start("vg0", kind, host: 2), as: waiter)
        let lock = Action.lock(.volumeGroup, .shared, in: "vg0")
        let waiting = await services[1].begin(lock, as: waiter)
        let before = await services[1].steps(in: "vg0")
        for number in 0..<1000 {
            let action = Action.lock(.volume("u\(number)"), .exclusive, in: "vg0")
            #expect(await services[1].askAtOnce(action, as: client)?.error == nil)
        }
        // A thousand requests, and a thousand answers of the lock manager; nothing for the one
        // that waits, for no time has passed.
        #expect(await services[1].steps(in: "vg0") - before == 2000)
        #expect(waiting.value == nil)
        for service in services {
            _ = await service.ask(Action(.stopAll, options: .force), as: holder)
        }
    }
}
