import LockCore
import LockTesting

/// Nodes of a corosync cluster, with the kernel's DLM on each.
///
/// A node that dies is noticed when corosync's token has not come round for 10 s; then the others
/// recover what it held.
struct DLMWorld: HostWorld {
    let machines: AgentMachines
    let abilities: Set<HostAbility> = [.restart, .crash]
    let timing = HostTiming(
        callLimit: .seconds(90), joinLimit: .seconds(240), takeoverLimit: .seconds(120),
        quiet: .milliseconds(700))

    /// Nobody has what a dead node held before so long has passed. It is less than the token's
    /// time, for a token may have been late already.
    static let certainFor = Duration.seconds(5)

    func processStarts(on host: Int) async throws(FixtureError) {
        try await self.machines.turnOn(host)
        // The kernel's connections end with the last lockspace. When three nodes leave theirs at
        // the same time, Linux 6.1 may take minutes before it connects them again.
        try await self.machines.run(
            "dlm_tool ls | grep -q connected || dlm_tool join connected", on: host)
        try await self.machines.startAgent(on: host, ["--manager", "dlm"])
    }

    func processEnded(on host: Int) async throws(FixtureError) {
        try await self.machines.killAgent(on: host)
    }

    func crash(_ host: Int) async throws(FixtureError) {
        try await self.machines.crash(host)
    }
}
