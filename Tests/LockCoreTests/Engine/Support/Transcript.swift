/// A story in blocks: comments and commands, `----`, what came of them, an empty line.
struct Transcript {
    /// Performs the commands of one transcript, in order.
    protocol Stage {
        mutating func perform(_ command: Command) throws -> [String]
    }

    /// One line of a story: a verb, words, and `key=value` options.
    struct Command {
        var verb: String
        var words: [String] = []
        var options: [String: String] = [:]

        init(_ line: String) {
            let parts = line.split(separator: " ").map(String.init)
            self.verb = parts.first ?? ""
            for part in parts.dropFirst() {
                if let split = part.firstIndex(of: "=") {
                    self.options[String(part[..<split])] = String(part[part.index(after: split)...])
                } else {
                    self.words.append(part)
                }
            }
        }

        /// The word at that place, which has to be there.
        func word(_ index: Int) throws -> String {
            guard self.words.indices.contains(index) else {
                throw Failure("'\(self.verb)' needs \(index + 1) words")
            }
            return self.words[index]
        }

        /// Is the word among those after the verb?
        func has(_ word: String) -> Bool { self.words.contains(word) }

        /// A number given as `key=number`; nil without it.
        func number(_ key: String) throws -> UInt64? {
            guard let text = self.options[key] else { return nil }
            guard let number = UInt64(text) else { throw Failure("\(key)=\(text) is no number") }
            return number
        }
    }

    /// A command that nobody understands.
    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    struct Block {
        var comments: [String] = []
        var commands: [String] = []
        var output: [String] = []
    }

    var blocks: [Block] = []

    init(_ text: String) {
        var block = Block()
        var isOutput = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            switch line {
            case "":
                if !block.comments.isEmpty || !block.commands.isEmpty { self.blocks.append(block) }
                block = Block()
                isOutput = false
            case "----": isOutput = true
            case _ where isOutput: block.output.append(String(line))
            case _ where line.hasPrefix("#"): block.comments.append(String(line))
            default: block.commands.append(String(line))
            }
        }
        if !block.comments.isEmpty || !block.commands.isEmpty { self.blocks.append(block) }
    }

    /// The story with the output that the stage gives now.
    func performed(on stage: inout some Stage) throws -> Transcript {
        var result = self
        for index in self.blocks.indices {
            result.blocks[index].output = []
            for line in self.blocks[index].commands {
                result.blocks[index].output += try stage.perform(Command(line))
            }
        }
        return result
    }

    var text: String {
        self.blocks.map { block in
            let lines = block.comments + block.commands
            let output = block.output.isEmpty ? ["(nothing)"] : block.output
            return (block.commands.isEmpty ? lines : lines + ["----"] + output)
                .map { $0 + "\n" }.joined()
        }.joined(separator: "\n")
    }
}
