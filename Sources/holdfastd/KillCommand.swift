/// The command that takes a volume group out of use in a hurry: lvm.conf's
/// `global/lvmlockctl_kill_command`, which gets the volume group's name as its last argument.
struct KillCommand: Hashable {
    /// The program, by its whole path, and its arguments.
    let words: [String]

    /// How lvm prints the setting.
    static let setting = ["config", "--typeconfig", "full", "global/lvmlockctl_kill_command"]

    /// Reads the line that lvm prints: `lvmlockctl_kill_command="/path/to/program argument"`. Nil
    /// where nothing usable is set; a program without its whole path is not.
    init?(printed line: String, volumeGroup: String) {
        let parts = line.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[0].hasSuffix("lvmlockctl_kill_command") else { return nil }
        let value = parts[1].drop { $0 != "\"" }.dropFirst().prefix { $0 != "\"" }
        let words = Self.words(of: value)
        guard words.first?.hasPrefix("/") == true else { return nil }
        self.words = words + [volumeGroup]
    }

    /// Splits at white space. A backslash makes the next character an ordinary one.
    private static func words(of text: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var isEscaped = false
        for character in text {
            switch character {
            case "\\" where !isEscaped:
                isEscaped = true
                continue
            case _ where character.isWhitespace && !isEscaped:
                if !word.isEmpty { words.append(word) }
                word = ""
            default:
                word.append(character)
            }
            isEscaped = false
        }
        return word.isEmpty ? words : words + [word]
    }
}
