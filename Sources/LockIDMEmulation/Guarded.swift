internal import Dispatch

/// A value that threads take turns with.
final class Guarded<Value>: @unchecked Sendable {
    private let queue: DispatchQueue
    private var value: Value

    init(_ value: Value, label: String) {
        self.value = value
        self.queue = DispatchQueue(label: label)
    }

    /// Lets the caller have it alone. Not again from within.
    func with<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let result: Swift.Result<Result, Failure> = self.queue.sync {
            do throws(Failure) {
                return .success(try body(&self.value))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
