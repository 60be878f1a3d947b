import LockCore
import LockInMemory
import Testing

@Suite struct FaultTests {
    let clock = ManualClock(movesWithSleepers: true)

    func cluster(hosts: Int = 2, seed: UInt64 = 1) async throws -> TestCluster {
        var configuration = InMemoryCluster.Configuration.native
        configuration.clock = self.clock
        configuration.seed = seed
        return try await TestCluster(hosts: hosts, configuration)
    }

    @Test func `a fault strikes as often as it was told to`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(
            .failure(.storageFailed, hold: .unchanged, status: -202),
            where: .init(.acquire), times: 2)
        for _ in 1...2 {
            let error = try await failure { _ = try await test.alice.take(test.volume, .shared) }
            #expect(error.code == .storageFailed)
            #expect(error.status == -202)
            #expect(error.doing == "acquire uuid-1 in lvm_vg0")
            #expect(test.modes(test.volume) == [:])
        }
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a fault strikes only the calls that it is meant for`() async throws {
        let test = try await self.cluster()
        let unmeant: [InMemoryCluster.FaultFilter] = [
            .init(.convert), .init(host: 2), .init(resource: .volumeGroup),
            .init(lockspace: Lockspace.ID(kind: .memory, volumeGroup: "vg1")),
        ]
        for filter in unmeant {
            test.cluster.inject(
                .failure(.managerFailed, hold: .unchanged, status: nil), where: filter)
        }
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
        let meant = InMemoryCluster.FaultFilter(
            .release, host: 1, lockspace: test.lockspace.id, resource: test.volume.id.name)
        test.cluster.inject(
            .failure(.managerFailed, hold: .unchanged, status: nil), where: meant)
        let error = try await failure { try await test.alice.letGo(test.volume) }
        #expect(error.code == .managerFailed)
    }

    @Test func `faults in store can be removed`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(.failure(.managerFailed, hold: .unchanged, status: nil), times: nil)
        _ = try await failure { _ = try await test.alice.take(test.volume, .shared) }
        test.cluster.removeFaults()
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
    }

    @Test func `an unknown acquire took effect or did not`() async throws {
        var modes: Set<[UInt64: LockMode]> = []
        for seed in 0..<16 as Range<UInt64> {
            let test = try await self.cluster(seed: seed)
            test.cluster.inject(.failure(.ioTimedOut, hold: .unknown, status: nil))
            let error = try await failure { _ = try await test.alice.take(test.volume, .shared) }
            #expect(error.hold == .unknown)
            modes.insert(test.modes(test.volume))
            try await test.alice.letGo(test.volume)
            #expect(test.modes(test.volume) == [:])
        }
        #expect(modes == [[:], [1: .shared]])
    }

    @Test func `an unknown conversion took effect or did not`() async throws {
        var modes: Set<[UInt64: LockMode]> = []
        for seed in 0..<16 as Range<UInt64> {
            let test = try await self.cluster(seed: seed)
            try await test.alice.take(test.volume, .shared)
            test.cluster.inject(.failure(.ioTimedOut, hold: .unknown, status: nil))
            _ = try await failure {
                _ = try await test.alice.convert(test.volume.id, to: .exclusive, writing: nil)
            }
            modes.insert(test.modes(test.volume))
        }
        #expect(modes == [[1: .shared], [1: .exclusive]])
    }

    @Test func `an unknown acquire does not wait in the queue`() async throws {
        for seed in 0..<8 as Range<UInt64> {
            let test = try await self.cluster(seed: seed)
            try await test.alice.take(test.volume, .exclusive)
            test.cluster.inject(.failure(.ioTimedOut, hold: .unknown, status: nil))
            _ = try await failure {
                _ = try await test.bob.acquire(test.volume, .exclusive, waiting: true)
            }
            try await test.alice.letGo(test.volume)
            #expect(test.modes(test.volume) == [:])
        }
    }

    @Test(arguments: [LockManagerError.Hold.unchanged, .unknown])
    func `a release that failed is finished without being asked`(
        _ hold: LockManagerError.Hold
    ) async throws {
        for seed in 0..<8 as Range<UInt64> {
            let test = try await self.cluster(seed: seed)
            try await test.alice.take(test.volume, .exclusive)
            test.cluster.inject(.failure(.ioTimedOut, hold: hold, status: nil))
            _ = try await failure { try await test.alice.letGo(test.volume) }
            if hold == .unchanged {
                #expect(try await !test.bob.acquire(test.volume, .shared).isGranted)
            } else {
                _ = try await test.bob.acquire(test.group, .shared)
            }
            let bob = try await test.bob.acquire(test.volume, .shared, waiting: true)
            #expect(bob.isGranted)
        }
    }

    @Test func `a release that is finished later still publishes`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.group, .exclusive)
        test.cluster.inject(.failure(.ioTimedOut, hold: .unchanged, status: nil))
        _ = try await failure { try await test.alice.letGo(test.group, writing: 8) }
        let bob = try await test.bob.acquire(test.group, .shared, waiting: true)
        #expect(bob.grant?.value == .value(.version(8)))
    }

    @Test func `a host acquires again what it failed to release`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.inject(.failure(.ioTimedOut, hold: .unchanged, status: nil))
        _ = try await failure { try await test.alice.letGo(test.volume) }
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
        #expect(test.modes(test.volume) == [1: .shared])
    }

    @Test func `contention is injected with its owner`() async throws {
        let test = try await self.cluster()
        let owner = Host(id: 9, generation: 4, state: .failing, name: "elsewhere")
        test.cluster.inject(.contention(owner: owner, isPassing: true))
        let outcome = try await test.alice.acquire(test.volume, .shared, waiting: true)
        #expect(outcome == .contended(Contention(owner: owner, isPassing: true)))
        try await test.alice.take(test.volume, .shared)
        test.cluster.inject(.contention(owner: nil, isPassing: false))
        let converted = try await test.alice.convert(
            test.volume.id, to: .exclusive, writing: nil)
        #expect(converted == .contended(Contention()))
    }

    @Test func `a fault waits for a call that it can strike`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .shared)
        test.cluster.inject(.contention(owner: nil, isPassing: false))
        try await test.alice.letGo(test.volume)
        #expect(try await test.alice.acquire(test.volume, .shared).contention != nil)
    }

    @Test func `a slow request takes effect late`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(.slowRequest(.seconds(3)), where: .init(.acquire))
        self.clock.duringNextSleep { #expect(test.modes(test.volume) == [:]) }
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
        #expect(self.clock.slept == [.seconds(3)])
    }

    @Test func `a slow answer comes after the effect`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(.slowAnswer(.seconds(3)), where: .init(.acquire))
        self.clock.duringNextSleep { #expect(test.modes(test.volume) == [1: .shared]) }
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
        #expect(self.clock.slept == [.seconds(3)])
    }

    @Test func `a slow request can be cancelled`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(.slowRequest(.seconds(3)), where: .init(.acquire))
        self.clock.duringNextSleep { await test.alice.cancelAcquire(test.volume.id) }
        let outcome = try await test.alice.acquire(test.volume, .shared, waiting: true)
        #expect(outcome == .contended(Contention()))
        #expect(try await test.alice.acquire(test.volume, .shared).isGranted)
    }

    @Test func `a value block can be lost with a call`() async throws {
        let test = try await self.cluster()
        try await test.write(7, in: test.group)
        test.cluster.inject(.lostValueBlock, where: .init(.acquire))
        #expect(try await test.bob.take(test.group, .shared).value == .value(ValueBlock()))
    }

    @Test func `a lockspace can be lost with a call`() async throws {
        let test = try await self.cluster()
        test.cluster.inject(.lostLockspace(certainFor: .zero), where: .init(.acquire))
        let error = try await failure { _ = try await test.alice.take(test.volume, .shared) }
        #expect(error.code == .lockLost)
    }

    @Test func `a host can crash with a call`() async throws {
        let test = try await self.cluster()
        try await test.alice.take(test.volume, .exclusive)
        test.cluster.inject(.crash, where: .init(.release))
        let error = try await failure { try await test.alice.letGo(test.volume) }
        #expect(error.code == .managerUnavailable)
        #expect(test.modes(test.volume) == [1: .exclusive])
    }

    @Test func `random faults follow from the seed`() async throws {
        let first = try await self.randomRun(seed: 42)
        #expect(try await self.randomRun(seed: 42) == first)
        #expect(try await self.randomRun(seed: 43) != first)
        #expect(first.contains("granted"))
        #expect(first.contains("ioTimedOut"))
    }

    private func randomRun(seed: UInt64) async throws -> [String] {
        let test = try await self.cluster(seed: seed)
        test.cluster.inject(
            .failure(.ioTimedOut, hold: .unknown, status: nil), times: nil, probability: 0.3)
        test.cluster.inject(
            .contention(owner: nil, isPassing: false), times: nil, probability: 0.2)
        var log: [String] = []
        for step in 0..<60 {
            let host = test.hosts[step % 2]
            do {
                let outcome = try await host.acquire(test.volume, .exclusive)
                log.append(outcome.isGranted ? "granted" : "contended")
                try await host.letGo(test.volume)
            } catch let error as LockManagerError {
                log.append(error.code.description)
            }
        }
        return log
    }
}

@Suite struct SeededRandomTests {
    @Test func `a seed determines the sequence`() {
        var generator = SeededRandom(seed: 1_234_567)
        // The first numbers that SplitMix64's authors publish for this seed.
        let numbers = (0..<3).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test func `what is certain is not drawn`() {
        var generator = SeededRandom(seed: 5)
        var other = generator
        let certain = generator.happens(withProbability: 1)
        let impossible = generator.happens(withProbability: 0)
        #expect(certain && !impossible)
        let (next, first) = (generator.next(), other.next())
        #expect(next == first)
    }

    @Test func `probabilities are kept roughly`() {
        var generator = SeededRandom(seed: 5)
        let hits = (0..<10_000).count { _ in generator.happens(withProbability: 0.25) }
        #expect((2_300...2_700).contains(hits))
    }
}
