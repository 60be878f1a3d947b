import Testing

/// The captured session with a real sanlock daemon and leases on the volume group's own storage:
/// everything as it was with lvmlockd, but for what the table explains.
@Suite(.timeLimit(.minutes(10))) struct SanlockReplayTests {
    @Test func `captured lvm commands on real leases behave as with lvmlockd`() async throws {
        try await ReplayTests().expectSame(
            folder: "real-sanlock", options: ["--host-id", "1", "-o", "1"],
            sanlock: true)
    }
}

extension Explanation {
    static let realSanlock: [Explanation] = []
}
