import Foundation

/// A file of the repository, by lines.
struct SourceFile {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardizedFileURL.path(percentEncoded: false)

    /// Relative to the repository.
    let path: String
    let lines: [Substring]

    /// The files under these folders, and those that are named, except what building made.
    static func all(under folders: [String], ending suffixes: String...) -> [SourceFile] {
        let paths = folders.flatMap { folder in
            let found = FileManager.default.subpathsOfFolder(Self.root + folder)
            return found.isEmpty ? [folder] : found.map { "\(folder)/\($0)" }
        }
        return paths.filter { path in
            suffixes.contains { path.hasSuffix($0) } && !path.contains(".build/")
        }.compactMap { SourceFile(path: $0) }
    }

    private init?(path: String) {
        guard let text = try? String(contentsOfFile: Self.root + path, encoding: .utf8) else {
            return nil
        }
        self.path = path
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        self.lines = lines.last?.isEmpty == true ? lines.dropLast() : lines
    }

    /// Where lines match, as `path:number: line`.
    func places(where matches: (Substring) -> Bool) -> [String] {
        self.lines.enumerated().filter { matches($0.element) }.map { index, line in
            "\(self.path):\(index + 1): \(line)"
        }
    }

    /// Where lines match outside comments.
    func codePlaces(where matches: (Substring) -> Bool) -> [String] {
        self.places { line in
            guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { return false }
            return matches(line.firstRange(of: " //").map { line[..<$0.lowerBound] } ?? line)
        }
    }

    /// Functions and initialisers of more than 70 lines. The formatter puts what closes a
    /// declaration under its first line, so that indentation tells where it ends.
    var longFunctions: [String] {
        let declaration = /^( *)([a-z@()]+ )*(func |init[?(<]|deinit\b|subscript[(<])/
        return self.lines.enumerated().compactMap { index, line in
            guard let indent = line.prefixMatch(of: declaration)?.1,
                let end = self.lines[(index + 1)...].firstIndex(where: { line in
                    line.hasPrefix(indent) && line.dropFirst(indent.count).first != " "
                        && !line.hasSuffix("{")
                }),
                // A protocol's requirement has no body.
                self.lines[end].dropFirst(indent.count).first == "}", end - index >= 70,
                self.lines[index..<end].contains(where: { $0.hasSuffix("{") })
            else { return nil }
            return "\(self.path):\(index + 1): \(end - index + 1) lines"
        }
    }
}

extension FileManager {
    /// Paths of the files in a folder and its folders, hidden ones left out.
    fileprivate func subpathsOfFolder(_ folder: String) -> [String] {
        guard let names = try? self.contentsOfDirectory(atPath: folder) else { return [] }
        return names.filter { !$0.hasPrefix(".") }.flatMap { name in
            let inside = self.subpathsOfFolder("\(folder)/\(name)")
            return inside.isEmpty ? [name] : inside.map { "\(name)/\($0)" }
        }
    }
}
