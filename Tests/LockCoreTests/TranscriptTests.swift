import Foundation
import Testing

/// Replays the stories in `Transcripts/`. With `REWRITE_TRANSCRIPTS=1` in the environment, what the
/// machines do now is accepted and written into the files: review the difference.
@Suite struct TranscriptTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Transcripts")
    static let names: [String] = {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (files ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }()

    @Test func `there are transcripts`() {
        #expect(Self.names.count >= 15)
    }

    @Test(arguments: names)
    func `replays`(_ name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let story = Transcript(text)
        let played: Transcript
        if name.hasPrefix("global-lock") {
            var stage = GlobalLockStage()
            played = try story.performed(on: &stage)
        } else {
            var stage = LockspaceStage()
            played = try story.performed(on: &stage)
        }
        if ProcessInfo.processInfo.environment["REWRITE_TRANSCRIPTS"] == "1" {
            try played.text.write(to: file, atomically: true, encoding: .utf8)
        } else {
            for (then, now) in zip(story.blocks, played.blocks) {
                let output = now.output.isEmpty ? ["(nothing)"] : now.output
                #expect(
                    now.commands.isEmpty || then.output == output,
                    "\(name): \(then.commands.joined(separator: "; "))")
            }
            let isLaidOut = text == played.text
            #expect(isLaidOut, "\(name) differs, or is not laid out as it would be written")
        }
    }
}
