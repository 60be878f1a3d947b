import LockCore
import LockTesting
import Testing

@testable import LockDLM

/// The node that masters a resource goes, and the kernel makes do with the locks that are left.
@Suite(.timeLimit(.minutes(1))) struct RecoveryTests {
    private static let volume = Resource(
        Resource.ID(lockspace: SimulatedWorld.group.id, name: .logicalVolume("lv")))

    private static func use(
        _ manager: DLMLockManager, _ mode: LockMode, writing version: UInt32? = nil
    ) async throws -> ValueBlockReading? {
        let outcome = try await manager.acquire(
            Self.volume, mode, AcquireOptions(waiting: true))
        let value = version.map {
            ValueBlock(format: ValueBlock.currentFormat, resourceVersion: $0)
        }
        try await manager.release(Self.volume.id, writing: value)
        guard case .granted(let grant) = outcome else { return nil }
        return grant.value
    }

    /// What the host that is left did last.
    @Test(arguments: [(LockMode.shared, nil), (.exclusive, nil), (.exclusive, 8)])
    func `content that went with another node is known to be lost`(
        mode: LockMode, writing version: UInt32?
    ) async throws {
        let world = SimulatedWorld()
        let first = try await world.joined(1)
        let second = try await world.joined(2)
        _ = try await Self.use(first, .exclusive, writing: 7)
        _ = try await Self.use(second, mode, writing: version)
        world.kernel.crash(1)
        #expect(try await Self.use(second, .shared) == .changed)
        let third = try await world.joined(3)
        #expect(try await Self.use(third, .exclusive, writing: 9) == .changed)
        let nine = ValueBlock(format: ValueBlock.currentFormat, resourceVersion: 9)
        #expect(try await Self.use(second, .shared) == .value(nine))
    }
}
