package import Dispatch

/// Runs an actor on a serial dispatch queue of its own; its jobs may block.
package final class DispatchQueueExecutor: SerialExecutor {
    /// The queue, for what else is to run there.
    package let queue: DispatchQueue

    /// Makes an executor with a queue of that name.
    package init(label: String) {
        self.queue = DispatchQueue(label: label)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = self.asUnownedSerialExecutor()
        self.queue.async { job.runSynchronously(on: executor) }
    }

    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(self.queue))
    }
}
