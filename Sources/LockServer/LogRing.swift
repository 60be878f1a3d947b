/// The last few megabytes of log lines, kept as bytes so that a line costs a copy and nothing else.
struct LogRing {
    private let capacity: Int
    private var bytes: [UInt8] = []
    /// Where the oldest byte stands once the ring is full; 0 before.
    private var start = 0

    init(capacity: Int) {
        precondition(capacity > 0, "a ring needs room")
        self.capacity = capacity
    }

    /// Adds a line, with its newline. The oldest ones give way.
    mutating func append(_ line: [UInt8]) {
        guard line.count <= self.capacity else { return }
        let untilFull = self.capacity - self.bytes.count
        if line.count <= untilFull {
            self.bytes.append(contentsOf: line)
            return
        }
        var rest = line[...]
        self.bytes.append(contentsOf: rest.prefix(untilFull))
        rest = rest.dropFirst(untilFull)
        while !rest.isEmpty {
            let part = rest.prefix(self.capacity - self.start)
            self.bytes.replaceSubrange(self.start..<self.start + part.count, with: part)
            self.start = (self.start + part.count) % self.capacity
            rest = rest.dropFirst(part.count)
        }
    }

    /// All that is kept, the oldest line first. A line whose beginning is gone is left out.
    var contents: [UInt8] {
        guard self.bytes.count == self.capacity else { return self.bytes }
        let all = Array(self.bytes[self.start...] + self.bytes[..<self.start])
        guard let newline = all.firstIndex(of: UInt8(ascii: "\n")) else { return all }
        return Array(all[(newline + 1)...])
    }
}
