import LockCore
import LockInMemory
import Testing

@testable import LockTesting

@Suite(.timeLimit(.minutes(1))) struct AgentTests {
    private let group = Lockspace(
        volumeGroup: "vg0", kind: .memory, uuid: "u", arguments: "a:b", drives: ["/dev/x"],
        hostID: 7)
    private var volume: Resource {
        Resource(
            Resource.ID(lockspace: self.group.id, name: .logicalVolume("lv")), arguments: "1:2",
            drives: ["/dev/y", "/dev/z"])
    }
    private let block = ValueBlock(format: 0x0101, flags: .removed, resourceVersion: 0xffff_fffe)

    private var calls: [AgentCall] {
        let id = self.volume.id
        let request = VolumeGroupRequest(
            volumeGroup: "vg0", arguments: "x", wanted: "y", leaseMiB: 8, globalLock: true)
        let volumeRequest = LogicalVolumeRequest(
            volumeGroup: "vg0", groupArguments: "x",
            volume: LogicalVolume(uuid: "u", name: "n", arguments: "z", drives: ["d"]),
            previousArguments: "p", volumeBytes: .max)
        let options = JoinOptions(adopting: .required, withoutDelay: true, repairing: true)
        let prepared = Prepared(self.group, previousGeneration: 3, carriesGlobalLock: true)
        return [
            .isRunning, .initialise(request), .prepare(self.group, options),
            .join(prepared, options), .leave(self.group.id, .argumentsChange),
            .otherHosts(self.group.id), .localHost(self.group.id), .leftBehind,
            .acquire(self.volume, .exclusive, AcquireOptions(waiting: true, adopting: .allowed)),
            .cancelAcquire(id), .convert(id, .shared, self.block), .release(id, nil),
            .forget(id), .holders(self.volume), .purgeOrphans(self.group.id),
            .allocateLease(volumeRequest), .freeLease(self.volume),
            .findFreeLease(self.group.id, 1 << 40), .renameLeases(request),
            .carriesGlobalLock(self.group.id), .setGlobalLock(self.group.id, true, false),
            .supports(request), .changeArguments(request), .refresh("/dev/vg0/lv"),
        ]
    }

    private var messages: [AgentMessage] {
        let grant = Grant.ID(9)
        let error = LockManagerError(
            .leaseCorrupt, hold: .unknown, layer: .storage, doing: "d", status: -223, advice: "a")
        let events: [LockManagerEvent.What] = [
            .lost(reason: "r", certainFor: .milliseconds(1500)), .wanted(.global, by: grant),
            .wanted(.volumeGroup, by: grant),
        ]
        return [
            .hello(version: 1),
            .welcome(version: 1, .memory, InMemoryCluster.Configuration.native.capabilities),
            .welcome(version: 1, .memory, Setup.idm.configuration.capabilities),
            .welcome(version: 1, .memory, Setup.plain.configuration.capabilities),
            .answer(7, [1, 2, 3]), .failure(8, error),
            .failure(8, LockManagerError(.contended, doing: "")),
        ]
            + self.calls.enumerated().map { .call(UInt64($0.offset), $0.element) }
            + events.map {
                .event(
                    LockManagerEvent(
                        lockspace: self.group.id, membership: Membership.ID(5), what: $0))
            }
    }

    @Test func `every message is read as it was written`() throws {
        for message in self.messages {
            var writer = WireWriter()
            writer.write(message)
            var bytes = writer.frame()
            let frame = try WireReader.frame(in: &bytes)
            var reader = try #require(frame)
            #expect("\(try reader.read(AgentMessage.self))" == "\(message)")
            #expect(reader.isAtEnd && bytes.isEmpty)
        }
    }

    @Test func `answers are read as they were written`() throws {
        let host = Host(id: 1, generation: 2, timestamp: 3, state: .failing, name: "h")
        let token = FencingToken(rawValue: 4)
        let readings: [ValueBlockReading] = [.unknown, .unchanged, .changed, .value(self.block)]
        let outcomes: [AcquireOutcome] =
            readings.map { .granted(Grant(id: Grant.ID(1), value: $0, token: token)) } + [
                .granted(Grant(id: Grant.ID(1))), .noOrphan, .orphanInOtherMode,
                .contended(Contention(owner: host, isPassing: true)), .contended(Contention()),
            ]
        for outcome in outcomes { try self.expectSame(outcome) }
        for hosts in [OtherHosts.none, .count(3), .unknown] { try self.expectSame(hosts) }
        try self.expectSame([host])
        try self.expectSame(nil as [Host]?)
        try self.expectSame(Membership(id: Membership.ID(1), hostID: 2, generation: 3))
        try self.expectSame(VolumeGroupArguments("1.0.0:x", carriesGlobalLock: true))
        try self.expectSame(Duration(secondsComponent: -3, attosecondsComponent: -5))
    }

    private func expectSame<Value: WireValue & Equatable>(_ value: Value) throws {
        var writer = WireWriter()
        writer.write(value)
        var reader = WireReader(writer.bytes)
        #expect(try reader.read(Value.self) == value)
        #expect(reader.isAtEnd)
    }

    @Test func `a message that is cut short is an error at every byte`() throws {
        for message in self.messages {
            var writer = WireWriter()
            writer.write(message)
            for length in 0..<writer.bytes.count {
                var reader = WireReader(writer.bytes.prefix(length))
                #expect(throws: WireError.self) { try reader.read(AgentMessage.self) }
            }
        }
    }

    @Test func `a frame without end is refused before it is read`() {
        var bytes: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        #expect(throws: WireError.self) { try WireReader.frame(in: &bytes) }
    }

    @Test func `an agent that dies leaves the hold unknown and ends its events`() async throws {
        let (ours, theirs) = try UnixSocket.pair()
        let stream = AgentStream(reading: theirs, writing: theirs)
        let cluster = InMemoryCluster()
        let server = Task { await AgentServer.serve(cluster.host(1), on: stream) }
        let remote = try await RemoteLockManager(
            over: AgentStream(reading: ours, writing: ours))
        #expect(await remote.isRunning())
        stream.end()
        await server.value

        let doing = "acquire lv in lvm_vg0"
        await #expect {
            _ = try await remote.acquire(self.volume, .shared, AcquireOptions())
        } throws: { error in
            let error = error as? LockManagerError
            return error?.code == .managerUnavailable && error?.hold == .unknown
                && error?.doing == doing
        }
        #expect(await !remote.isRunning())
        #expect(await remote.events.reduce(0) { count, _ in count + 1 } == 0)
    }

    @Test func `a program that is no agent is refused`() async throws {
        for executable in ["/bin/true", "/bin/cat"] {
            let process = try AgentProcess(executable: executable, arguments: [])
            await #expect(throws: FixtureError.self) {
                _ = try await RemoteLockManager(over: process.stream)
            }
            await process.kill()
        }
        #expect(throws: FixtureError.self) {
            try AgentProcess(executable: "/nowhere", arguments: [])
        }
    }
}
