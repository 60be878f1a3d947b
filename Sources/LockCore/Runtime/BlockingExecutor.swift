internal import Dispatch

/// Runs blocking calls on threads of its own, so that no task waits behind them.
///
/// The cooperative pool has as many threads as the machine has cores; a few calls that block there
/// stop every other task. Use one executor for each thing that must not wait for others, such as a
/// connection, and as many as the service below serves at the same time.
public struct BlockingExecutor: Sendable {
    private let queue: DispatchQueue

    /// Makes an executor that runs one call at a time, in the order in which they come.
    public init(label: String) {
        self.queue = DispatchQueue(label: label)
    }

    /// Runs the call on the executor's thread, and returns or throws what it does.
    public func run<Value: Sendable, Failure: Error>(
        _ call: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            self.queue.async {
                let result: Result<Value, Failure>
                do throws(Failure) {
                    result = .success(try call())
                } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
