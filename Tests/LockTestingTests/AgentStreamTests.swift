import DaemonHarness
import Foundation
import Glibc
import LockCore
import LockInMemory
import LockTesting
import Testing

/// The built agent, over each kind of stream.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AgentStreamTests {
    /// `TIOCSPTLCK` and `TIOCGPTN`, which Glibc's module lacks.
    private static let (setLock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

    private func expectServed(over stream: AgentStream) async throws {
        let manager = try await RemoteLockManager(over: stream)
        #expect(manager.kind == .init(rawValue: "memory"))
        #expect(await manager.isRunning())
    }

    /// Runs an agent of the first host of a cluster.
    private func withAgent(
        _ options: [String], _ body: (ClusterServer) async throws -> Void
    ) async throws {
        let agents = try InMemoryAgents(count: 1)
        let arguments = InMemoryAgents.arguments(1, in: agents.server.folder)
        let agent = try AgentProcess(
            executable: Repository.product("HostAgent"), arguments: arguments + options)
        try await body(agents.server)
        await agent.kill()
        await agents.stop()
    }

    @Test func `an agent serves over a socket`() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "hf\(UUID())").path
        try await self.withAgent(["--listen", path]) { server in
            let hosts = AgentFixture(count: 1, world: InMemoryWorld(.native)) { _ in
                .socket(path: path)
            }
            // The agent takes a moment until it listens.
            var host: RunningHost?
            for _ in 1...500 where host == nil {
                host = try? await hosts.start(1)
                if host == nil { try await Task.sleep(for: .milliseconds(10)) }
            }
            let running = try #require(host)
            #expect(await running.manager.isRunning())
            await hosts.stop()
        }
    }

    @Test func `an agent serves over a device`() async throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (number, isLocked): (Int32, Int32) = (0, 0)
        try #require(terminal >= 0 && ioctl(terminal, Self.setLock, &isLocked) == 0)
        try #require(ioctl(terminal, Self.getNumber, &number) == 0)
        let path = "/dev/pts/\(number)"
        // Bytes pass as they are from the first one on, which may come before the agent.
        var settings = termios()
        cfmakeraw(&settings)
        let kept = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(kept >= 0 && tcsetattr(kept, TCSANOW, &settings) == 0)
        defer { close(kept) }
        let ours = AgentStream(reading: terminal, writing: terminal)
        try await self.withAgent(["--device", path]) { _ in
            try await self.expectServed(over: ours)
        }
    }

    @Test func `an agent that was told nonsense says so and ends`() async throws {
        for options in [["--manager", "none"], ["--manager"], ["memory", "x"], []] {
            let agent = try AgentProcess(
                executable: Repository.product("HostAgent"), arguments: options)
            await #expect(throws: FixtureError.self) {
                _ = try await RemoteLockManager(over: agent.stream)
            }
            await agent.kill()
        }
    }
}
