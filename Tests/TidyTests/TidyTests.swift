import Foundation
import Testing

/// The rules of the house that a compiler does not know.
@Suite struct TidyTests {
    /// All Swift files of the repository, by their path in it.
    private static let swiftFiles: [SourceFile] = SourceFile.all(
        under: ["Package.swift", "Sources", "Tests", "Examples", "Benchmarks"], ending: ".swift")
    /// All files that people write, of whatever kind.
    private static let textFiles: [SourceFile] =
        swiftFiles
        + SourceFile.all(
            under: ["README.md", ".ci", "Sources", "Tests", "Examples"],
            ending: ".md", "run", "docs", "sandbox", "quickstart", ".sh")

    @Test func `no Swift file is longer than 400 lines`() {
        expectNone(Self.swiftFiles.filter { $0.lines.count > 400 }.map { "\($0.path)" })
    }

    @Test func `no line is longer than 100 columns`() {
        expectNone(Self.swiftFiles.flatMap { $0.places { $0.count > 100 } })
    }

    @Test func `no function is longer than 70 lines`() {
        expectNone(Self.swiftFiles.flatMap(\.longFunctions))
    }

    @Test func `every target imports only what it may`() {
        expectNone(
            Self.swiftFiles.flatMap { file in
                file.places { line in
                    guard let module = importedModule(line) else { return false }
                    return !AllowedImports.allows(module, in: file.path)
                }
            })
    }

    @Test func `nothing is forced`() {
        expectNone(Self.code { $0.contains("try!") || $0.contains("fatalError(") })
    }

    @Test func `the compiler's data race checks are off only where a reason is given`() {
        let unchecked = Self.swiftFiles.filter { file in
            file.path != Self.ownPath
                && !file.codePlaces {
                    $0.contains("@unchecked Sendable") || $0.contains("nonisolated(unsafe)")
                }.isEmpty
        }
        expectNone(unchecked.map(\.path).filter { AllowedUnchecked.reasons[$0] == nil })
        expectNone(AllowedUnchecked.reasons.keys.filter { !unchecked.map(\.path).contains($0) })
    }

    @Test func `nothing is left for later`() {
        expectNone(
            Self.swiftFiles.filter { $0.path != Self.ownPath }.flatMap { file in
                file.places { $0.contains("TODO") || $0.contains("FIXME") }
            })
    }

    @Test func `the engine and the runtime know no lock manager by name`() {
        let neutral = Self.swiftFiles.filter {
            $0.path.hasPrefix("Sources/LockCore/Engine/")
                || $0.path.hasPrefix("Sources/LockCore/Runtime/")
        }
        let name = /(?i)sanlock|dlm\b|idm\b/
        expectNone(neutral.flatMap { $0.places { $0.contains(name) } })
    }

    @Test func `only the runner's one function starts tasks in LockCore`() {
        let start = /\bTask(\.detached|\.immediate)?\s*(\(|\{)/
        let starting = Self.swiftFiles.filter { $0.path.hasPrefix("Sources/LockCore/") }
            .map { file in (path: file.path, places: file.codePlaces { $0.contains(start) }) }
            .filter { !$0.places.isEmpty }
        expectNone(
            starting.flatMap { file in
                // One place where there is a reason, none elsewhere.
                file.places.dropFirst(AllowedTasks.reasons[file.path] == nil ? 0 : 1)
            })
        expectNone(
            AllowedTasks.reasons.keys.filter { path in !starting.contains { $0.path == path } })
    }

    @Test func `the top level holds only what belongs there`() throws {
        let allowed: Set = [
            "Package.swift", "Sources", "Tests", "Examples", "Benchmarks", "README.md", "LICENSE",
            // Made by building.
            "Package.resolved", "default.profraw",
        ]
        let entries = try FileManager.default.contentsOfDirectory(atPath: SourceFile.root)
        expectNone(entries.filter { !$0.hasPrefix(".") && !allowed.contains($0) })
    }

    @Test func `no file depends on what lies outside the repository`() {
        // Put together, so that this file does not hold it.
        let outside = ["../" + "shared", "/work/" + "shared"]
        expectNone(
            Self.textFiles.flatMap { file in
                file.places { line in outside.contains { line.contains($0) } }
            })
    }

    private static let ownPath = "Tests/TidyTests/TidyTests.swift"

    private static func code(where matches: (Substring) -> Bool) -> [String] {
        Self.swiftFiles.filter { $0.path != Self.ownPath }.flatMap { $0.codePlaces(where: matches) }
    }

    private func expectNone(
        _ places: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            places.isEmpty, "\(places.sorted().joined(separator: "\n"))",
            sourceLocation: sourceLocation)
    }
}

/// The module of an import line.
private func importedModule(_ line: Substring) -> String? {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "." })
        .drop { $0.hasPrefix("@") || ["package", "public", "internal", "private"].contains($0) }
    guard words.first == "import", words.count > 1 else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "typealias"]
    return words.dropFirst().first { !kinds.contains($0) }.map(String.init)
}
