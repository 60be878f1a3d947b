import LockCore

extension Action.Options {
    /// The options that a request's `opts` lists, separated by commas (lvm) or spaces (lvmlockctl).
    ///
    /// Whole words count. Upstream looks for the words anywhere, so that `ex_disable` is `disable`
    /// too; nothing that lvm sends depends on it. Unknown words are ignored.
    init(words text: String) {
        self = []
        for word in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 <= 0x20 }) {
            self.formUnion(Self.byWord[String(Substring(word))] ?? [])
        }
    }

    private static let byWord: [String: Action.Options] = [
        "persistent": .persistent, "unlock_cancel": .unlockCancel, "next_version": .nextVersion,
        "wait": .wait, "force": .force, "ex_disable": .exclusively, "enable": .enable,
        "disable": .disable, "nodelay": .noDelay, "repair": .repair, "adopt": .adopt,
        "adopt_only": .adoptOnly,
    ]
}
