import Synchronization

/// A number that several tasks and signal handlers count with.
final class Counter: Sendable {
    /// How many signals have come.
    static let signals = Counter()

    private let number = Atomic(0)

    /// The number after adding.
    @discardableResult
    func add(_ amount: Int) -> Int {
        self.number.add(amount, ordering: .relaxed).newValue
    }
}
