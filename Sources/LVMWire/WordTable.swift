/// A few words and what each stands for, found by their bytes: no string is made of a word that
/// only has to be recognised.
struct WordTable<Value: Sendable>: Sendable {
    private struct Entry {
        var word: Range<Int>
        var value: Value
    }

    /// The words one after the other, and the entries, both by length.
    private var letters: [UInt8] = []
    private var entries: [Entry] = []
    /// The first entry whose word is at least so long.
    private var first: [Int] = []

    init(_ words: some Sequence<(String, Value)>) {
        for (word, value) in words.sorted(by: { $0.0.utf8.count < $1.0.utf8.count }) {
            let start = self.letters.count
            self.letters.append(contentsOf: word.utf8)
            while self.first.count <= word.utf8.count { self.first.append(self.entries.count) }
            self.entries.append(Entry(word: start..<self.letters.count, value: value))
        }
        self.first.append(self.entries.count)
    }

    /// What the word stands for; nil for a word that is not in the table.
    subscript(word: Span<UInt8>) -> Value? {
        guard word.count + 1 < self.first.count else { return nil }
        let letters = self.letters.span
        for index in self.first[word.count]..<self.first[word.count + 1] {
            let start = self.entries[index].word.lowerBound
            var at = 0
            while at < word.count, word[at] == letters[start + at] { at += 1 }
            if at == word.count { return self.entries[index].value }
        }
        return nil
    }
}
