import Testing

extension OnNodes {
    /// The daemon as it is deployed, on a machine that has neither Swift nor this repository.
    @Suite struct EmbeddedTests {
        @Test func `the static binaries need no library that a plain host lacks`() async throws {
            let cluster = try await Cluster.up(nodes: 1)
            let node = try cluster.node(1)
            for binary in ["holdfastd", "HostAgent"] {
                let libraries = try await node.succeed("ldd /host/\(binary)")
                #expect(libraries.contains("libc.so"))
                #expect(!libraries.contains("swift"), "\(libraries)")
                #expect(!libraries.contains("not found"), "\(libraries)")
            }
        }

        @Test func `one host activates real volumes through holdfastd`() async throws {
            let cluster = try await Cluster.up(nodes: 1, daemons: [.holdfastd])
            let differences = try await TranscriptRun.differences(
                of: "embedded-volumes", on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }
    }
}
