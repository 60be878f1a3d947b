#if Sanlock
import LockCore
import Testing

@testable import LockSanlock

/// Declaring hosts dead, and what keeps a host from being buried alive.
@Suite struct UndertakerTests {
    private let failing = HostRecord.host(2, generation: 3, state: 4)

    /// A daemon of sanlock 4.2 that knows the host, and counts whom it is told is dead.
    private func calls(_ known: [HostRecord], _ buried: Script) -> SanlockCalls {
        var calls = SanlockCalls.scripted(hosts: known)
        calls.version = { 0x0402_0000 }
        calls.setHostDead = { record, id, generation throws(SanlockStatus) in
            #expect(record.hostID == 1)
            #expect((id, generation) == (2, 3))
            try buried.run()
        }
        return calls
    }

    private func declareDead(_ calls: SanlockCalls) async throws {
        let (manager, id) = ScriptedLockspace.manager(calls)
        try await manager.declareDead(Host(id: 2, generation: 3), in: id)
    }

    @Test func `a host that was missed is declared dead`() async throws {
        let buried = Script(0)
        try await self.declareDead(self.calls([.host(1), self.failing], buried))
        #expect(buried.count == 1)
    }

    @Test(arguments: [
        [], [HostRecord.host(2, generation: 3)], [.host(2, generation: 4, state: 4)],
        [.host(2, generation: 3, state: 1)], [.host(2, generation: 3, state: 2)],
    ])
    func `a host that may live is not declared dead`(_ known: [HostRecord]) async {
        let buried = Script(0)
        await expect(code: .invalidRequest) {
            try await self.declareDead(self.calls(known, buried))
        }
        #expect(buried.count == 0)
    }

    @Test func `an older library or daemon says that it is too old`() async {
        let buried = Script(0)
        var calls = self.calls([self.failing], buried)
        calls.version = { 0x0308_0500 }
        await expect(code: .notSupported) { try await self.declareDead(calls) }
        calls.version = { 0x0402_0000 }
        calls.setHostDead = nil
        await expect(code: .notSupported) { try await self.declareDead(calls) }
        #expect(buried.count == 0)
    }

    @Test func `a failure is the caller's to hear`() async {
        await expect(code: .ioTimedOut) {
            try await self.declareDead(self.calls([self.failing], Script(-202)))
        }
    }
}
#endif
