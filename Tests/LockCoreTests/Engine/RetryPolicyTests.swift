import LockCore
import Testing

@Suite struct RetryPolicyTests {
    @Test func `pauses double from 50 ms to a second`() {
        let middles = [50, 100, 200, 400, 800, 1000, 1000, 1000]
        for (index, middle) in middles.enumerated() {
            for salt in 0..<50 as Range<UInt64> {
                let pause = RetryPolicy.pause(afterAttempts: index + 1, salt: salt)
                #expect(pause >= .milliseconds(middle) * 0.75, "salt \(salt)")
                #expect(pause <= .milliseconds(middle) * 1.25, "salt \(salt)")
            }
        }
    }

    @Test func `hosts pause differently, each always alike`() {
        let pauses = (0..<100).map { RetryPolicy.pause(afterAttempts: 3, salt: $0) }
        #expect(Set(pauses).count > 90)
        #expect(pauses == (0..<100).map { RetryPolicy.pause(afterAttempts: 3, salt: $0) })
    }

    @Test func `hosts that collided once do not stay in step`() {
        let first = (1...6).map { RetryPolicy.pause(afterAttempts: $0, salt: 1) }
        let second = (1...6).map { RetryPolicy.pause(afterAttempts: $0, salt: 2) }
        #expect(zip(first, second).allSatisfy { $0 != $1 })
    }

    @Test(arguments: [0, 1000, Int.max])
    func `no count of attempts is out of range`(_ attempts: Int) {
        let pause = RetryPolicy.pause(afterAttempts: attempts, salt: .max)
        #expect(pause > .zero && pause <= .milliseconds(1250))
    }
}
