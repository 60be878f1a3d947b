import Testing

extension OnNodes {
    /// Volume groups with sanlock leases, on two hosts with a watchdog each.
    @Suite struct SanlockTests {
        @Test(arguments: ["sanlock-volumes", "sanlock-power-cut", "sanlock-storage-dropped"])
        func `two hosts behave as with lvmlockd`(transcript: String) async throws {
            try await self.run(transcript)
        }

        @Test(
            .enabled(if: isFull, "minutes each, of waiting"),
            arguments: ["sanlock-storage-watchdog", "sanlock-storage-silent"])
        func `a host without its leases does no harm`(transcript: String) async throws {
            try await self.run(transcript)
        }

        private func run(_ transcript: String) async throws {
            let cluster = try await Cluster.up(
                nodes: 2, services: [.sanlock], daemons: [.underTest])
            let differences = try await TranscriptRun.differences(of: transcript, on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }
    }
}
