/// What a client has not been sent yet: the bytes, and who wants to know what becomes of them.
struct SessionOutput {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// By where the bytes end that each is about.
    private var waiting: [(end: Int, deliver: (_ wasTaken: Bool) -> Void)] = []

    /// How much the kernel has not taken.
    var count: Int { self.bytes.count - self.sent }

    /// Adds bytes.
    mutating func append(_ fill: (inout [UInt8]) -> Void) {
        fill(&self.bytes)
    }

    /// `deliver` hears whether the kernel has taken all that is there now.
    mutating func whenTaken(_ deliver: @escaping (_ wasTaken: Bool) -> Void) {
        self.waiting.append((self.bytes.count, deliver))
    }

    /// Hands the bytes to the kernel, which says how many it has taken, or a negative number.
    mutating func send(_ send: (UnsafeRawBufferPointer) -> Int) -> Int {
        let taken = self.bytes.withUnsafeBytes { send(.init(rebasing: $0[self.sent...])) }
        if taken > 0 { self.sent += taken }
        return taken
    }

    /// Forgets what has been taken; returns who wants to know of it.
    mutating func removeTaken() -> [(_ wasTaken: Bool) -> Void] {
        let done = self.waiting.prefix { $0.end <= self.sent }.map(\.deliver)
        if !done.isEmpty { self.waiting.removeFirst(done.count) }
        if self.count == 0 {
            self.bytes.removeAll(keepingCapacity: true)
            self.sent = 0
        }
        return done
    }

    /// Forgets everything; returns who wants to know of it.
    mutating func removeAll() -> [(_ wasTaken: Bool) -> Void] {
        let lost = self.waiting.map(\.deliver)
        self = SessionOutput()
        return lost
    }
}
