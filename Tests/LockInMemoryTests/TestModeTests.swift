import LockCore
import LockInMemory
import Testing

@Suite struct TestModeTests {
    @Test func `dlm starts at once`() async throws {
        let clock = ManualClock(movesWithSleepers: true)
        let host = try InMemoryCluster(.test("dlm", clock: clock)).host(1)
        let made = try await host.initialise(VolumeGroupRequest(volumeGroup: "vg0"))
        #expect(made.arguments == "1.0.0:test")
        let membership = try await host.join(
            Lockspace(volumeGroup: "vg0", kind: host.kind, arguments: "1.0.0:anything"))
        #expect(membership.generation == 0)
        #expect(clock.slept == [])
    }

    @Test func `sanlock starts in three seconds`() async throws {
        let clock = ManualClock(movesWithSleepers: true)
        let host = try InMemoryCluster(.test("sanlock", clock: clock)).host(1)
        let made = try await host.initialise(
            VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
        #expect(made == VolumeGroupArguments("1.0.0:lvmlock", carriesGlobalLock: true))
        var lockspace = Lockspace(
            volumeGroup: "vg0", kind: host.kind, arguments: made.arguments)
        lockspace.hostID = 7
        #expect(try await host.join(lockspace).hostID == 7)
        #expect(clock.slept == [.seconds(1), .seconds(2)])
    }

    @Test(arguments: ["", "none"])
    func `sanlock needs the name of the lease volume`(_ arguments: String) async throws {
        let host = try InMemoryCluster(.test("sanlock")).host(1)
        let error = try await failure {
            _ = try await host.initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: arguments))
        }
        #expect(error.code == .badArguments)
    }

    @Test func `sanlock needs well-formed arguments before anything else`() async throws {
        let clock = ManualClock(movesWithSleepers: true)
        let host = try InMemoryCluster(.test("sanlock", clock: clock)).host(1)
        for arguments in ["", "lvmlock", "1.0.0", "1.0.0:", "3.0.0:lvmlock"] {
            let lockspace = Lockspace(
                volumeGroup: "vg0", kind: host.kind, arguments: arguments, hostID: 1)
            #expect(try await failure { try await host.join(lockspace) }.code == .badArguments)
        }
        #expect(clock.slept == [])
    }

    @Test func `sanlock needs the device, whose name doubles hyphens`() async throws {
        let configuration = try InMemoryCluster.Configuration.test("sanlock") {
            $0 == "/dev/mapper/a--b-lvm--lock"
        }
        let host = InMemoryCluster(configuration).host(1)
        func lockspace(_ group: String, _ volume: String) -> Lockspace {
            Lockspace(
                volumeGroup: group, kind: host.kind, arguments: "1.0.0:\(volume)", hostID: 1)
        }
        let error = try await failure { try await host.join(lockspace("a", "lvm-lock")) }
        #expect(error.code == .badArguments)
        #expect(error.advice.contains("/dev/mapper/a-lvm--lock"))
        try await host.join(lockspace("a-b", "lvm-lock"))
    }

    @Test(arguments: [nil, 0, 2001] as [UInt32?])
    func `sanlock needs a host number it has room for`(_ hostID: UInt32?) async throws {
        let host = try InMemoryCluster(.test("sanlock")).host(1)
        let lockspace = Lockspace(
            volumeGroup: "vg0", kind: host.kind, arguments: "1.0.0:lvmlock", hostID: hostID)
        #expect(try await failure { try await host.join(lockspace) }.code == .badHostID)
    }

    @Test func `leases of volumes are counted up`() async throws {
        let host = try InMemoryCluster(.test("sanlock")).host(1)
        let request = LogicalVolumeRequest(
            volumeGroup: "vg0", groupArguments: "1.0.0:lvmlock",
            volume: LogicalVolume(uuid: "uuid-1"))
        #expect(try await host.allocateLease(request) == "1.0.0:70254592")
        #expect(try await host.allocateLease(request) == "1.0.0:71303168")
    }

    @Test func `the global lock is wherever it is looked for first`() async throws {
        let host = try InMemoryCluster(.test("sanlock", deviceExists: { _ in true })).host(1)
        var spaces: [Lockspace] = []
        for group in ["vg0", "vg1"] {
            let space = Lockspace(
                volumeGroup: group, kind: host.kind, arguments: "1.0.0:lvmlock", hostID: 1)
            try await host.join(space)
            spaces.append(space)
        }
        #expect(try await host.carriesGlobalLock(spaces[0].id))
        #expect(try await !host.carriesGlobalLock(spaces[1].id))
        try await host.setGlobalLock(spaces[0].id, enabled: false, exclusively: true)
        #expect(try await host.carriesGlobalLock(spaces[0].id))
        try await host.leave(spaces[0].id, .stopped)
        #expect(try await host.carriesGlobalLock(spaces[1].id))
    }

    @Test func `values are read back until the resource is forgotten`() async throws {
        for word in ["dlm", "idm"] {
            let test = try await TestCluster(hosts: 1, .test(word))
            try await test.write(7, in: test.group)
            #expect(try await test.alice.take(test.group, .shared).value == .value(.version(7)))
            try await test.alice.letGo(test.group)
            await test.alice.forget(test.group.id)
            #expect(try await test.alice.take(test.group, .shared).value == .value(ValueBlock()))
        }
    }

    @Test func `everything to be adopted is found`() async throws {
        let test = try await TestCluster(hosts: 0, .test("dlm"))
        let host = test.cluster.host(1)
        try await host.join(test.lockspace, adopting: .required)
        let outcome = try await host.acquire(test.volume, .exclusive, adopting: .required)
        #expect(outcome.isGranted)
    }

    @Test func `contention is immediate and names nobody`() async throws {
        let test = try await TestCluster(hosts: 1, .test("dlm"))
        await test.alice.simulateRemoteHolder(test.volume.id, .exclusive)
        let outcome = try await test.alice.acquire(test.volume, .shared, waiting: true)
        #expect(outcome == .contended(Contention()))
        #expect(try await test.alice.otherHosts(in: test.lockspace.id) == .none)
    }
}
