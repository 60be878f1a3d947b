import NIOCore

/// The loop as an executor that also tells whether the caller is on it. NIO's own does not, and
/// without that a task that is to start at once in a handler's call starts a turn of the loop
/// later.
final class LoopExecutor: SerialExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() {
        self.loop.preconditionInEventLoop()
    }

    func isIsolatingCurrentContext() -> Bool? {
        self.loop.inEventLoop
    }
}
