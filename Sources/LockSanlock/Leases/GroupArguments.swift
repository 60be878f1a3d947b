#if Sanlock
import LockCore

/// The lock arguments of a volume group whose leases lie on its own storage: `1.0.0:VOLUME`,
/// or `2.0.0:VOLUME` with the words `notimeout` and `persist` after it.
struct GroupArguments: Hashable, Sendable, CustomStringConvertible {
    /// The logical volume that carries the leases.
    var volume: String
    /// What the volume group's hosts have agreed on besides.
    var traits: Traits

    /// What the second version of the arguments can say.
    struct Traits: OptionSet, Hashable, Sendable {
        let rawValue: UInt8

        /// A host that stops renewing its lease keeps its locks until somebody declares it
        /// dead.
        static let noTimeout = Traits(rawValue: 1 << 0)
        /// A failed host is fenced by taking its persistent reservation away.
        static let persistentReservations = Traits(rawValue: 1 << 1)
    }

    private static let newestVersion = 2
    private static let words: [(word: String, trait: Traits)] = [
        ("notimeout", .noTimeout), ("persist", .persistentReservations),
    ]

    /// Describes lock arguments that are being made.
    init(volume: String, traits: Traits = []) {
        self.volume = volume
        self.traits = traits
    }

    /// Reads arguments as a volume group's metadata has them; `doing` is for the error.
    init(_ text: String, doing: String) throws(LockManagerError) {
        let text = ArgumentsText(text, newestVersion: Self.newestVersion)
        let fields = try text.fields(doing: doing)
        guard let volume = fields.first, !volume.isEmpty else {
            throw text.failure("they do not name the volume that carries the leases", doing)
        }
        self.init(volume: String(volume))
        for field in fields.dropFirst() {
            guard let known = Self.words.first(where: { $0.word == field }) else {
                throw text.failure("the word \"\(field)\" is not known", doing)
            }
            self.traits.insert(known.trait)
        }
    }

    /// The arguments as the metadata keeps them. Those that the first version can say carry
    /// its number, so that older hosts can join.
    var description: String {
        let words = Self.words.filter { self.traits.contains($0.trait) }.map(\.word)
        let version = words.isEmpty ? "1.0.0" : "2.0.0"
        return ([version, self.volume] + words).joined(separator: ":")
    }
}
#endif
