import LockCore
import Testing

@testable import LockDLM

/// What is taken over from an ended process.
@Suite(.timeLimit(.minutes(1))) struct AdoptionTests {
    private static let volume = Resource(
        Resource.ID(lockspace: SimulatedWorld.group.id, name: .logicalVolume("lv")))
    private static let value = ValueBlock(
        format: ValueBlock.currentFormat, resourceVersion: 7)

    /// Host 1 held the volume in that mode, and its process has ended.
    private static func orphaned(
        _ mode: LockMode, in world: SimulatedWorld
    ) async throws {
        let manager = try await world.joined(1, adopting: .allowed)
        _ = try await manager.acquire(self.volume, .exclusive, AcquireOptions())
        try await manager.release(self.volume.id, writing: self.value)
        _ = try await manager.acquire(self.volume, mode, AcquireOptions())
        world.kernel.processEnded(1)
    }

    private static func adopted(
        _ mode: LockMode, by manager: DLMLockManager
    ) async throws -> Grant {
        let outcome = try await manager.acquire(
            self.volume, mode, AcquireOptions(adopting: .required))
        guard case .granted(let grant) = outcome else {
            throw LockManagerError(.managerFailed, doing: "adopt: \(outcome)")
        }
        return grant
    }

    @Test(arguments: [LockMode.shared, .exclusive])
    func `who adopts hears of those that waited before`(_ mode: LockMode) async throws {
        let world = SimulatedWorld(seed: 2)
        try await Self.orphaned(mode, in: world)
        let other = try await world.joined(2, adopting: .allowed)
        let waiting = Task {
            try await other.acquire(Self.volume, .exclusive, AcquireOptions(waiting: true))
        }
        while world.kernel.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
        let manager = try await world.joined(1, adopting: .allowed)
        let grant = try await Self.adopted(mode, by: manager)
        let event = await manager.events.first { _ in true }
        #expect(event?.what == .wanted(Self.volume.id.name, by: grant.id))
        try await manager.release(Self.volume.id, writing: nil)
        guard case .granted = try await waiting.value else {
            Issue.record("who waited was not granted")
            return
        }
        #expect(world.kernel.misuse.isEmpty)
    }

    @Test func `the value block of what is adopted is read where the kernel hands it out`()
        async throws
    {
        let world = SimulatedWorld(seed: 2)
        try await Self.orphaned(.shared, in: world)
        let shared = try await Self.adopted(.shared, by: world.joined(1, adopting: .allowed))
        #expect(shared.value == .value(Self.value))
    }

    @Test func `of what is adopted exclusively nothing is known, until it is shared`()
        async throws
    {
        let world = SimulatedWorld(seed: 2)
        try await Self.orphaned(.exclusive, in: world)
        let manager = try await world.joined(1, adopting: .allowed)
        let exclusive = try await Self.adopted(.exclusive, by: manager)
        #expect(exclusive.value == .unknown)
        let outcome = try await manager.convert(Self.volume.id, to: .shared, writing: nil)
        guard case .granted(let shared) = outcome else {
            Issue.record("a step down was not granted: \(outcome)")
            return
        }
        #expect(shared.value == .value(Self.value))
    }
}
