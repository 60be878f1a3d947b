#if Sanlock
import LockCore

/// What an administrator asks of a volume group with `--setlockargs`: a list with commas.
struct WantedTraits: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// Fence failed hosts by their persistent reservations.
    static let persist = WantedTraits(rawValue: 1 << 0)
    /// Do not.
    static let noPersist = WantedTraits(rawValue: 1 << 1)
    /// A silent host's locks become free after a while.
    static let timeout = WantedTraits(rawValue: 1 << 2)
    /// They do not.
    static let noTimeout = WantedTraits(rawValue: 1 << 3)
    /// Let storage that can do it compare and write in one step.
    static let compareAndWrite = WantedTraits(rawValue: 1 << 4)
    /// Do not.
    static let noCompareAndWrite = WantedTraits(rawValue: 1 << 5)

    private static let words: [String: WantedTraits] = [
        "persist": .persist, "nopersist": .noPersist, "timeout": .timeout,
        "notimeout": .noTimeout, "caw": .compareAndWrite, "nocaw": .noCompareAndWrite,
    ]
    private static let contradictions: [WantedTraits] = [
        [.persist, .noPersist], [.timeout, .noTimeout], [.compareAndWrite, .noCompareAndWrite],
    ]

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Reads the list; an empty one wants nothing.
    init(_ list: String, doing: String) throws(LockManagerError) {
        self = []
        let text = ArgumentsText(list)
        for word in list.split(separator: ",") {
            guard let known = Self.words[String(word)] else {
                throw text.failure("the word \"\(word)\" is not known", doing)
            }
            self.insert(known)
        }
        guard !Self.contradictions.contains(where: self.isSuperset(of:)) else {
            throw text.failure("they contradict themselves", doing)
        }
    }

    /// What the volume group's lock arguments record of it.
    var recorded: GroupArguments.Traits {
        var traits: GroupArguments.Traits = []
        if self.contains(.noTimeout) { traits.insert(.noTimeout) }
        if self.contains(.persist) { traits.insert(.persistentReservations) }
        return traits
    }
}
#endif
