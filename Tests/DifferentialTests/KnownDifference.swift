/// A way in which our daemon answers differently from lvmlockd 2.03.16, and why it is right.
struct KnownDifference {
    /// One value that differs.
    struct Place {
        let kind: Kind
        let step: Step
        /// The reply's field, after "reply" or "reply to waiting client N".
        let what: String
        let peer: String
        let ours: String
        /// The peer's `op_result`.
        let peerResult: String?
    }

    let name: String
    let why: String
    /// Do later answers differ because of it? The rest of the sequence is then left out.
    var statesDiffer = false
    let matches: @Sendable (Place) -> Bool

    static let all = [
        KnownDifference(
            name: "flags of a missing lockspace",
            why: """
                NO_LOCKSPACES, NO_GL_LS and NO_LM say what else was missing at that moment. A \
                worker thread of lvmlockd forgets stopped lockspaces 0 to 2 s later.
                """
        ) { $0.what.hasSuffix("result_flags") && $0.peerResult == "-210" },
        KnownDifference(
            name: "free_lv of a volume that was never locked",
            why: "lvmlockd 2.03.16 answers -2; 2.03.40 has nothing to free and answers 0."
        ) { $0.step.name == "free_lv" && $0.peer == "-2" && $0.ours == "0" },
        KnownDifference(
            name: "free_lv of a volume that is locked",
            why: "lvmlockd 2.03.16 drops the lock while the volume is in use; ours keeps it: -16.",
            statesDiffer: true
        ) { $0.step.name == "free_lv" && $0.peer == "0" && $0.ours == "-16" },
        KnownDifference(
            name: "the type given by -g, when no lockspace is left",
            why: """
                lvmlockd forgets it as soon as a worker thread finds no lockspace; no global lock \
                can be had then until a volume group starts. Ours starts the global lockspace.
                """,
            statesDiffer: true
        ) {
            $0.kind == .dlm && $0.step.name == "lock_gl" && $0.peerResult == "-210"
                && ($0.what.hasSuffix("lock_type") || $0.ours == "0")
        },
        KnownDifference(
            name: "persistent requests that have waited together",
            why: """
                One persistent lock is kept on a resource, and further requests for it get -114. \
                lvmlockd forgets that when several shared ones are granted at once: it keeps a \
                lock for each, and one unlock does not unlock the volume.
                """,
            statesDiffer: true
        ) { $0.what.hasPrefix("reply to waiting") && $0.peer == "0" && $0.ours == "-114" },
    ]
}
