internal import Dispatch

/// A value that threads take turns with: for state that many calls touch for a moment each, and
/// that nothing awaits in. A task that does stays on its thread, where an actor would take it to
/// another one and back.
package final class Guarded<Value>: @unchecked Sendable {
    private let queue: DispatchQueue
    private var value: Value

    package init(_ value: sending Value, label: String) {
        self.value = value
        self.queue = DispatchQueue(label: label)
    }

    /// Lets the caller have it alone. Not again from within.
    package func with<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var result: Swift.Result<Result, Failure>?
        // A block without result costs a third of one with.
        self.queue.sync { () -> Void in
            do throws(Failure) {
                result = .success(try body(&self.value))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("the queue ran nothing") }
        return try result.get()
    }
}
