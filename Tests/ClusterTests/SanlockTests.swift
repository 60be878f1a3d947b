import Testing

extension OnNodes {
    /// Volume groups with sanlock leases, on two hosts with a watchdog each.
    @Suite struct SanlockTests {
        /// The long form has what takes longest, too.
        private static let transcripts =
            ["sanlock-volumes", "sanlock-power-cut", "sanlock-storage-dropped"]
            + (isFull ? ["sanlock-storage-watchdog"] : [])

        @Test(arguments: transcripts)
        func `two hosts behave as with lvmlockd`(transcript: String) async throws {
            let cluster = try await Cluster.up(
                nodes: 2, services: .sanlock, daemons: [.underTest])
            let differences = try await TranscriptRun.differences(of: transcript, on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }
    }
}
