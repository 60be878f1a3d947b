/// How long to pause before asking a lock manager again that has no queue.
///
/// The pauses grow, so that a short conflict costs little and a long one little traffic. lvmlockd
/// pauses one second each time and holds up every other lock of the volume group meanwhile.
package enum RetryPolicy {
    static let firstPause = Duration.milliseconds(50)
    static let longestPause = Duration.seconds(1)

    /// The pause after so many failed attempts. The salt, different on every host, spreads them by
    /// a quarter to either side, so that hosts that collide once do not go on colliding.
    package static func pause(afterAttempts attempts: Int, salt: UInt64) -> Duration {
        let doublings = min(max(attempts - 1, 0), 5)
        let pause = min(self.firstPause * (1 << doublings), self.longestPause)
        let mixed = (salt &+ UInt64(attempts)) &* 0x9E37_79B9_7F4A_7C15
        let quarters = Double(mixed >> 40) / Double(1 << 24) * 0.5 - 0.25
        return pause * (1 + quarters)
    }
}
