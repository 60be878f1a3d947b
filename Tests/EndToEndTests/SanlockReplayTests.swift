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
    /// Replies that tell of what is being forgotten: the command that was answered, whether the
    /// daemon still knows of a lockspace, and of a type of global lock.
    static let realSanlock: [Explanation] = {
        let (none, noneOfType) = ("NO_LOCKSPACES,NO_GL_LS", "NO_LOCKSPACES,NO_GL_LS,")
        let kept = [
            ("28-vgrename", "vg_update", none), ("30-vgrename-back", "vg_update", none),
            ("32-lockstop", "lock_vg", none), ("33-lvcreate-stopped", "lock_vg", none),
            ("34-vgs-stopped", "lock_gl", noneOfType), ("34-vgs-stopped", "lock_vg", noneOfType),
            ("35-lockstart", "lock_gl", noneOfType), ("43-lockstart3", "lock_gl", noneOfType),
        ].map { Self.flags(of: $0.1, in: $0.0, captured: $0.2, ours: "NO_GL_LS,", why: stopped) }
        let forgotten = [
            "34-vgs-stopped", "35-lockstart", "38-lockstart2", "43-lockstart3", "45-locktype-back",
        ].map {
            Self.flags(of: "lock_gl", in: $0, captured: noneOfType, ours: none, why: sanlockOnly)
        }
        let removing = Explanation(
            command: "real-sanlock/42-info", what: "output", captured: "",
            ours: "VG vt lock_type=sanlock UUID\nLS sanlock REM:lvm_vt", why: stopped,
            isOfTiming: true)
        return kept + forgotten + [removing]
    }()

    private static func flags(
        of request: String, in command: String, captured: String, ours: String, why: String
    ) -> Explanation {
        Explanation(
            command: "real-sanlock/\(command)", what: "reply to \(request): result_flags",
            captured: captured, ours: ours, why: why, isOfTiming: true)
    }

    private static let stopped = """
        A lockspace that was stopped is forgotten 750 ms after it was left. lvmlockd took two
        seconds to leave it, and its worker, which forgets, came round in that time.
        """

    private static let sanlockOnly = """
        lvmlockd forgets which lock manager has the global lock when its worker comes round and
        finds no lockspace; until then its flags end in a comma. In other runs of the same commands
        lvmlockd itself answers without it.
        """
}
