#if Sanlock
import DaemonHarness
import Foundation
import LockCore
import LockTesting
import Testing

/// The hosts that the rules run on are what they seem, seen by sanlock's own client program.
@Suite(.timeLimit(.minutes(5))) struct SanlockHostsTests {
    @Test func `one lockspace is taken from one host, and can be joined again`() async throws {
        let bench = try await ClientBench(lockspaces: ["one", "two"])
        let holder = try bench.command("/bin/sleep", "1000", on: 1)
        try await bench.eventually { try bench.owner == 1 }
        try await bench.world.takeAway(bench.id("one"), from: 1)
        // The daemon kills whoever holds a lease there.
        try await bench.eventually { !holder.isRunning }
        holder.kill()
        try await bench.eventually { try !bench.status(1).contains("s one:") }
        #expect(try bench.status(1).contains("s two:1:"))
        #expect(try bench.status(2).contains("s one:2:"))
        #expect(try bench.status(2).contains("s two:2:"))
        try bench.expect("add_lockspace -s one:1:LEASES:0 -o 1", on: 1, "one")
        await bench.stop()
    }

    @Test func `a host that crashed holds its lease until it has booted`() async throws {
        let bench = try await ClientBench(lockspaces: ["one"])
        let holder = try bench.command("/bin/sleep", "1000", on: 1)
        try await bench.eventually { try bench.owner == 1 }
        try await bench.world.crash(1)
        holder.kill()
        let waiting = try bench.command("/bin/sleep", "1000", on: 2)
        try await Task.sleep(for: .seconds(3))
        #expect(try bench.owner == 1)

        try await bench.world.processStarts(on: 1)
        // By its name it is known to be the same machine, so that nothing has to expire.
        let start = ContinuousClock.now
        try bench.expect("add_lockspace -s one:1:LEASES:0 -o 1", on: 1, "one")
        try await bench.eventually { try bench.owner == 2 }
        #expect(.now - start < SanlockWorld.deadAfter)
        waiting.kill()
        await bench.stop()
    }
}

/// Two hosts, to which sanlock's own client program speaks.
private struct ClientBench {
    let hosts: SanlockHosts
    var world: SanlockWorld { self.hosts.hosts.world }

    /// Hosts that are both in these lockspaces, each of which has one resource.
    init(lockspaces names: [String]) async throws {
        self.hosts = try SanlockHosts(count: 2)
        for host in 1...2 { try await self.world.processStarts(on: host) }
        for name in names {
            try await self.world.makeStorage(of: self.id(name), named: name)
            try self.expect("init -s \(name):0:LEASES:0 -o 1", on: 1, name)
            try self.expect("init -r \(name):r:LEASES:1048576", on: 1, name)
            for host in 1...2 {
                try self.expect("add_lockspace -s \(name):\(host):LEASES:0 -o 1", on: host, name)
            }
        }
    }

    func id(_ name: String) -> Lockspace.ID {
        Lockspace.ID(kind: LockManagerKind(rawValue: "sanlock"), name: name)
    }

    /// `LEASES` becomes the host's path of the lockspace's leases.
    private func words(_ text: String, on host: Int, _ name: String) -> [String] {
        let path = "\(self.world.leaseFolder(of: host))/\(name)-\(SanlockWorld.leaseVolume)"
        return text.replacing("LEASES", with: path).split(separator: " ").map(String.init)
    }

    func expect(_ text: String, on host: Int, _ name: String) throws {
        let words = self.words(text, on: host, name)
        let answer = try HostDaemon.client(words, of: self.world.runFolder(of: host))
        #expect(answer.contains("done 0"), "\(text): \(answer)")
    }

    func status(_ host: Int) throws -> String {
        try HostDaemon.client(["status"], of: self.world.runFolder(of: host))
    }

    /// Runs a program that begins when it has the resource of lockspace `one`, and keeps it.
    func command(_ program: String, _ argument: String, on host: Int) throws -> ChildProcess {
        let words = self.words("-r one:r:LEASES:1048576 -c", on: host, "one")
        let folder = self.world.runFolder(of: host)
        return try Command(
            ["sanlock", "client", "command"] + words + [program, argument],
            environment: ["SANLOCK_RUN_DIR": folder]
        ).start()
    }

    /// The number of the host that the resource of lockspace `one` belongs to, by its lease.
    var owner: Int? {
        get throws {
            let dump = Command(["sanlock", "direct", "dump", "\(self.world.folder)/one:0"])
            // Offset, lockspace, resource, time stamp, owner, generation, version.
            let lines = try dump.runToEnd().output.split(separator: "\n")
            let fields = lines.map { $0.split(separator: " ") }.first {
                $0.count > 4 && $0[2] == "r"
            }
            return fields.flatMap { Int($0[4]) }
        }
    }

    func eventually(_ isSo: () throws -> Bool) async throws {
        for _ in 1...600 {
            if try isSo() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("it did not come to that within a minute")
    }

    func stop() async {
        await self.hosts.stop()
        #expect(!FileManager.default.fileExists(atPath: self.world.folder))
    }
}
#endif
