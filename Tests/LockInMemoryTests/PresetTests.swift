import LockCore
import LockInMemory
import Testing

@Suite struct PresetTests {
    @Test func `a cluster presents itself as the kinds that LVM knows`() throws {
        let dlm = try InMemoryCluster.Configuration.like("dlm").capabilities
        #expect(dlm.waitsInQueue && dlm.adoption)
        #expect(dlm.valueBlock == .bytes(32))
        #expect(!dlm.ownerInformation && !dlm.fencingTokens && !dlm.leasesOnStorage)
        #expect(dlm.globalLock == .ownLockspace)

        let sanlock = try InMemoryCluster.Configuration.like("sanlock").capabilities
        #expect(!sanlock.waitsInQueue)
        #expect(sanlock.ownerInformation && sanlock.fencingTokens && sanlock.leasesOnStorage)
        #expect(sanlock.globalLock == .inVolumeGroup)
        #expect(sanlock.longestLockspaceName == 48 && sanlock.mostHosts == 2000)

        let idm = try InMemoryCluster.Configuration.like("idm").capabilities
        #expect(!idm.waitsInQueue && !idm.adoption && !idm.ownerInformation)
        #expect(idm.valueBlock == .changeStamp)

        let unknown = LockManagerKind(rawValue: "clvm")
        #expect(InMemoryCluster.Configuration.presenting(unknown) == nil)
        #expect(InMemoryCluster.Configuration.testMode(unknown) { _ in true } == nil)
    }

    @Test func `lock arguments have the form of the kind`() async throws {
        for (word, arguments) in [("dlm", "1.0.0:holdfast"), ("idm", "")] {
            let cluster = try InMemoryCluster(.like(word))
            let made = try await cluster.host(1).initialise(VolumeGroupRequest(volumeGroup: "vg0"))
            #expect(made == VolumeGroupArguments(arguments))
        }
        let host = try InMemoryCluster(.like("sanlock")).host(1)
        let made = try await host.initialise(
            VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", wanted: "persist"))
        #expect(made.arguments == "2.0.0:lvmlock:persist")
        let unknown = try await failure {
            _ = try await host.initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", wanted: "forever"))
        }
        #expect(unknown.code == .badArguments)
    }

    @Test func `a volume group of another cluster is refused`() async throws {
        let host = try InMemoryCluster(.like("dlm")).host(1)
        let lockspace = Lockspace(
            volumeGroup: "vg0", kind: host.kind, arguments: "1.0.0:elsewhere")
        #expect(try await failure { try await host.join(lockspace) }.code == .badArguments)
    }

    @Test func `only a manager with leases on storage changes leases`() async throws {
        let host = try InMemoryCluster(.like("dlm")).host(1)
        let error = try await failure {
            try await host.renameLeases(VolumeGroupRequest(volumeGroup: "vg0"))
        }
        #expect(error.code == .notSupported)
        #expect(await !host.supports(VolumeGroupRequest(volumeGroup: "vg0", wanted: "persist")))
    }

    @Test func `lock arguments are changed to words that are known`() async throws {
        let host = try InMemoryCluster(.like("sanlock")).host(1)
        var request = VolumeGroupRequest(
            volumeGroup: "vg0", arguments: "1.0.0:lvmlock", wanted: "persist,notimeout")
        #expect(await host.supports(request))
        let arguments = try await host.changeArguments(request)
        #expect(arguments == "2.0.0:lvmlock:notimeout:persist")
        request.wanted = "forever"
        #expect(await !host.supports(request))
    }

    @Test func `volumes are refreshed by the managers that can`() async throws {
        try await InMemoryCluster(.like("dlm")).host(1).refresh(path: "/dev/vg0/lv0")
        let sanlock = try InMemoryCluster(.like("sanlock")).host(1)
        let error = try await failure { try await sanlock.refresh(path: "/dev/vg0/lv0") }
        #expect(error.code == .notSupported)
    }
}

@Suite struct GlobalLockTests {
    let host: InMemoryLockManager
    let cluster: InMemoryCluster

    init() throws {
        self.cluster = try InMemoryCluster(.like("sanlock"))
        self.host = self.cluster.host(1)
    }

    func create(
        _ volumeGroup: String, globalLock: Bool? = nil
    ) async throws -> Lockspace {
        let made = try await self.host.initialise(
            VolumeGroupRequest(
                volumeGroup: volumeGroup, arguments: "lvmlock", globalLock: globalLock))
        return Lockspace(
            volumeGroup: volumeGroup, kind: self.host.kind, arguments: made.arguments)
    }

    func carries(_ lockspace: Lockspace) async throws -> Bool {
        try await self.host.prepare(lockspace, JoinOptions()).carriesGlobalLock
    }

    @Test func `the first volume group carries the global lock`() async throws {
        let (first, second) = (try await self.create("vg0"), try await self.create("vg1"))
        #expect(try await self.carries(first))
        #expect(try await !self.carries(second))
    }

    @Test func `a volume group carries it on demand, also beside another`() async throws {
        let first = try await self.create("vg0", globalLock: false)
        let second = try await self.create("vg1", globalLock: true)
        let third = try await self.create("vg2", globalLock: true)
        #expect(try await !self.carries(first))
        #expect(try await self.carries(second))
        #expect(try await self.carries(third))
    }

    @Test func `it is enabled and disabled by members`() async throws {
        let space = try await self.create("vg0")
        let stranger = try await failure {
            try await self.host.setGlobalLock(space.id, enabled: false, exclusively: false)
        }
        #expect(stranger.code == .lockspaceNotFound)
        try await self.host.join(space)
        try await self.host.setGlobalLock(space.id, enabled: false, exclusively: false)
        #expect(try await !self.host.carriesGlobalLock(space.id))
        try await self.host.setGlobalLock(space.id, enabled: true, exclusively: false)
        #expect(try await self.host.carriesGlobalLock(space.id))
    }

    @Test func `it is not taken from a host that holds it`() async throws {
        let space = try await self.create("vg0")
        let other = self.cluster.host(2)
        try await self.host.join(space)
        try await other.join(space)
        let global = Resource(Resource.ID(lockspace: space.id, name: .global))
        try await other.take(global, .shared)
        let error = try await failure {
            try await self.host.setGlobalLock(space.id, enabled: false, exclusively: true)
        }
        #expect(error.code == .contended)
        #expect(try await self.host.carriesGlobalLock(space.id))
    }

    @Test func `it stays with a stopped volume group and goes with a removed one`() async throws {
        let space = try await self.create("vg0")
        try await self.host.join(space)
        try await self.host.leave(space.id, .stopped)
        #expect(try await self.carries(space))
        try await self.host.join(space)
        try await self.host.leave(space.id, .removed)
        #expect(try await !self.carries(space))
    }

    @Test func `a renamed volume group takes it along`() async throws {
        let space = try await self.create("vg0")
        try await self.host.join(space)
        try await self.host.leave(space.id, .renamed)
        try await self.host.renameLeases(
            VolumeGroupRequest(volumeGroup: "vg9", arguments: space.arguments))
        let renamed = Lockspace(
            volumeGroup: "vg9", kind: self.host.kind, arguments: space.arguments)
        #expect(try await self.carries(renamed))
        #expect(try await !self.carries(space))
    }
}
