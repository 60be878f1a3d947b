import DaemonHarness
import Foundation

/// A scenario for people to read: what is done to nodes, and what comes of it with Debian's
/// lvmlockd.
///
///     # A comment.
///     node 2$ lvchange -aey vg/data
///       LV locked by other host: vg/data
///     [5]
///
/// A step begins with who does what; below stands what that prints, and in brackets its exit
/// status, if that is not 0. Steps are apart by an empty line. `every node$` runs on all nodes
/// that are on, one after the other, and `rig$` does something to the nodes themselves.
/// `within 60 s, node 2$` repeats the step until it ends as it has to. With `after 40 to 90 s`,
/// counted from the last step of the rig, it must not end so before.
struct Transcript {
    struct Step {
        enum Place: Equatable {
            case node(Int), everyNode, rig
        }

        /// The comment and the first line, as they stand in the file.
        var heading: String
        var place: Place
        var command: String
        /// When the step has to end as expected; nil: at once.
        var seconds: ClosedRange<Int>?
        /// Output and exit status, as they stand in the file.
        var expected: String
    }

    var steps: [Step]

    /// Reads `Transcripts/NAME.txt`.
    init(named name: String) throws {
        let text = try String(contentsOfFile: Self.path(of: name), encoding: .utf8)
        self.steps = try text.split(separator: "\n\n").map(Self.step)
    }

    /// Accepts what came of the steps: writes the file anew.
    static func accept(_ steps: [Step], as name: String) throws {
        let text = steps.map { "\($0.heading)\n\($0.expected)" }.joined(separator: "\n")
        try text.write(toFile: Self.path(of: name), atomically: true, encoding: .utf8)
    }

    private static func path(of name: String) -> String {
        "\(Repository.root)/Tests/ClusterTests/Transcripts/\(name).txt"
    }

    private static func step(_ text: Substring) throws -> Step {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let comment = lines.prefix { $0.hasPrefix("#") }
        guard let first = lines.dropFirst(comment.count).first,
            let words = first.wholeMatch(
                of: /(?:(?:within|after (\d+) to) (\d+) s, )?(?:node (\d)|(every node)|rig)\$ (.*)/)
        else { throw HarnessError("no step of a transcript: \(text)") }
        let place: Step.Place =
            if let number = words.3.flatMap({ Int($0) }) { .node(number) } else {
                words.4 == nil ? .rig : .everyNode
            }
        return Step(
            heading: lines.prefix(comment.count + 1).joined(separator: "\n"), place: place,
            command: String(words.5),
            seconds: words.2.flatMap { Int($0) }.map { (words.1.flatMap { Int($0) } ?? 0)...$0 },
            expected: lines.dropFirst(comment.count + 1).filter { !$0.isEmpty }
                .map { $0 + "\n" }.joined())
    }
}
