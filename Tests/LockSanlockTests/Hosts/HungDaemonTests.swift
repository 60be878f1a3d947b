#if Sanlock
import LockCore
import LockTesting
import Testing

/// What becomes of calls while a host's daemon does not run, as one does not whose storage hangs.
@Suite(.timeLimit(.minutes(5))) struct HungDaemonTests {
    @Test func `a daemon that hangs answers later, and grants nothing that another has by then`()
        async throws
    {
        let hosts = try SanlockHosts(count: 2)
        let world = hosts.hosts.world
        let first = try await hosts.hosts.start(1).manager
        let lockspace = try await world.makeVolumeGroup(named: "vg", with: first)
        let held = try await world.makeVolume(named: "held", in: lockspace, with: first)
        let free = try await world.makeVolume(named: "free", in: lockspace, with: first)
        let second = try await hosts.hosts.start(2).manager
        for (number, manager) in [(UInt32(1), first), (2, second)] {
            var lockspace = lockspace
            lockspace.hostID = number
            let prepared = try await manager.prepare(lockspace, JoinOptions())
            _ = try await manager.join(prepared, JoinOptions())
        }
        _ = try await first.acquire(held, .exclusive, AcquireOptions()).grant

        await world.pause(1)
        let answered = Answered()
        let late = Task {
            let outcome = try await first.acquire(free, .exclusive, AcquireOptions())
            await answered.set()
            return outcome
        }
        // What the host has, it keeps; what it only asked for, another gets.
        let refused = try await second.acquire(held, .exclusive, AcquireOptions())
        #expect(refused.owner?.id == 1)
        _ = try await second.acquire(free, .exclusive, AcquireOptions()).grant
        #expect(await !answered.isSet)

        await world.resume(1)
        #expect(try await late.value.owner?.id == 2)
        let again = try await second.acquire(held, .exclusive, AcquireOptions())
        #expect(again.owner?.id == 1)
        await hosts.stop()
    }
}

private actor Answered {
    private(set) var isSet = false

    func set() { self.isSet = true }
}

extension AcquireOutcome {
    /// Who is in the way, as far as the answer says.
    fileprivate var owner: Host? {
        if case .contended(let contention) = self { return contention.owner }
        return nil
    }
}
#endif
