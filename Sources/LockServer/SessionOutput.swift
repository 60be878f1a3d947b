import LockCore

/// A reply after which something has to be done, once the client has it or will never have it.
enum Delivery: Equatable {
    /// The lock that this action asked for was granted.
    case grant(Action)
    /// The server may end.
    case quit
}

/// What a client has not been sent yet: the bytes, and the replies among them whose fate matters.
struct SessionOutput {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// Each with where its bytes end.
    private var deliveries: [(end: Int, delivery: Delivery)] = []

    /// How much the kernel has not taken.
    var count: Int { self.bytes.count - self.sent }

    /// Adds bytes.
    mutating func append(_ fill: (inout [UInt8]) -> Void) {
        fill(&self.bytes)
    }

    /// What is there now ends with this delivery.
    mutating func append(_ delivery: Delivery) {
        self.deliveries.append((self.bytes.count, delivery))
    }

    /// Hands the bytes to the kernel, which says how many it has taken, or a negative number.
    mutating func send(_ send: (UnsafeRawBufferPointer) -> Int) -> Int {
        let taken = self.bytes.withUnsafeBytes { send(.init(rebasing: $0[self.sent...])) }
        if taken > 0 { self.sent += taken }
        return taken
    }

    /// Forgets what has been taken; returns the deliveries among it.
    mutating func removeTaken() -> [Delivery] {
        if self.count == 0 {
            self.bytes.removeAll(keepingCapacity: true)
            self.sent = 0
            return self.removeDeliveries(self.deliveries.count)
        }
        return self.removeDeliveries(self.deliveries.prefix { $0.end <= self.sent }.count)
    }

    /// Forgets everything; returns the deliveries that come to nothing.
    mutating func removeAll() -> [Delivery] {
        defer { self = SessionOutput() }
        return self.deliveries.map(\.delivery)
    }

    private mutating func removeDeliveries(_ count: Int) -> [Delivery] {
        guard count > 0 else { return [] }
        defer { self.deliveries.removeFirst(count) }
        return self.deliveries.prefix(count).map(\.delivery)
    }
}
