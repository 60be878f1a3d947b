import LockCore

extension Action.Options {
    /// The words of a request's `opts`, which lvm separates by commas and lvmlockctl by spaces.
    ///
    /// Whole words count. Upstream looks for the words anywhere, so that `ex_disable` is `disable`
    /// too; nothing that lvm sends depends on it. Unknown words are ignored.
    static let byWord = WordTable<Action.Options>([
        ("persistent", .persistent), ("unlock_cancel", .unlockCancel),
        ("next_version", .nextVersion), ("wait", .wait), ("force", .force),
        ("ex_disable", .exclusively), ("enable", .enable), ("disable", .disable),
        ("nodelay", .noDelay), ("repair", .repair), ("adopt", .adopt),
        ("adopt_only", .adoptOnly),
    ])
}
