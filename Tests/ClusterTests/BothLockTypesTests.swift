import Testing

extension OnNodes {
    /// The kernel's DLM and sanlock in one daemon, which lvmlockd refuses.
    @Suite struct BothLockTypesTests {
        @Test func `dlm and sanlock groups are side by side, and the global lock excludes all`()
            async throws
        {
            let cluster = try await Cluster.up(
                nodes: 3, disks: 3, services: [.dlm, .sanlock], daemons: [.holdfastd])
            let differences = try await TranscriptRun.differences(
                of: "both-lock-types", on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }
    }
}
