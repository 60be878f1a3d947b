/// A value of the loop's thread that passes through other hands, such as those of a closure that
/// comes back to the loop.
struct LoopBound<Value>: @unchecked Sendable {
    private let loop: EventLoop
    private let bound: Value

    init(_ value: Value, to loop: EventLoop) {
        self.loop = loop
        self.bound = value
    }

    /// The value; to be had on the loop's thread only.
    var value: Value {
        self.loop.checkIsolated()
        return self.bound
    }
}
