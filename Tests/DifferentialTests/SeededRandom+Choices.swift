import LockInMemory

extension SeededRandom {
    /// True in so many cases of a hundred.
    mutating func percent(_ chance: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < chance
    }

    /// One of the choices, each as often as its weight says.
    mutating func pick<Choice>(_ choices: [(weight: Int, choice: Choice)]) -> Choice {
        var left = Int.random(in: 0..<choices.reduce(0) { $0 + $1.weight }, using: &self)
        for (weight, choice) in choices {
            left -= weight
            if left < 0 { return choice }
        }
        preconditionFailure("the weights add up to what was drawn from")
    }
}
