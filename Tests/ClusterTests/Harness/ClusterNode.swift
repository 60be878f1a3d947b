import DaemonHarness

/// One virtual machine.
struct ClusterNode: Sendable {
    /// Counted from 1; its name is `nodeN`.
    let number: Int

    /// Runs a shell line; its exit status, and what it printed. One that takes longer ends with
    /// status 124. What it leaves running must not keep its output.
    func run(_ line: String, seconds: Int = 120) async throws -> (status: Int32, output: String) {
        try await Rig.run(["exec", "\(self.number)", "-t", "\(seconds)", line])
    }

    /// Runs a shell line that has to end with status 0; what it printed.
    @discardableResult
    func succeed(_ line: String, seconds: Int = 120) async throws -> String {
        let (status, output) = try await self.run(line, seconds: seconds)
        guard status == 0 else {
            throw HarnessError("node \(self.number): \(line): status \(status): \(output)")
        }
        return output
    }

    /// The unix socket outside of a port inside: `agent` for /dev/virtio-ports/host.agent.
    func socket(of port: String) -> String { "\(Rig.folder)/node\(self.number).\(port)" }

    /// Whether it is on. A node whose watchdog fires goes off.
    func isOn() async throws -> Bool {
        try await Rig.run(["status"]).output.contains("node \(self.number) is on")
    }

    /// Cuts its power.
    func cutPower() async throws { try await self.rig("kill") }
    /// Turns it on; nothing is left of before but the shared disks.
    func boot() async throws { try await self.rig("boot") }
    /// Stops its processor.
    func pause() async throws { try await self.rig("pause") }
    /// Ends what ``pause()`` began.
    func resume() async throws { try await self.rig("resume") }

    /// Connects it to the other nodes, or cuts it off.
    func setNetwork(isUp: Bool) async throws { try await self.rig("net", isUp ? "up" : "down") }

    /// Makes every read and write of a shared disk, counted from 0, fail here and nowhere else.
    func setDisk(_ disk: Int, isFailing: Bool) async throws {
        try await self.rig("disk", "\(disk)", isFailing ? "fail" : "heal")
    }

    private func rig(_ verb: String, _ words: String...) async throws {
        _ = try await Rig.run([verb, "\(self.number)"] + words)
    }
}
