import Dispatch
package import LockCore
import Synchronization

/// A lock service without sockets and without a real lock manager, driven action by action.
package final class EngineDriver: Sendable {
    private static let volumeGroup = "bench"

    private let executor = QueueExecutor()
    private let service: LockService
    private let granted = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    /// Starts a volume group.
    package init() {
        self.service = LockService(
            managers: [GrantingLockManager()],
            configuration: LockService.Configuration(executor: self.executor))
        self.run {
            let client = $0.openClient()
            let lockspace = Lockspace(
                volumeGroup: Self.volumeGroup, kind: GrantingLockManager.kind)
            self.submit(.start(lockspace), from: client, options: .wait, to: $0)
        }
        precondition(self.failures == 0, "the volume group did not start")
    }

    /// How many actions were answered with success.
    package var successes: Int { self.granted.load(ordering: .relaxed) }
    /// How many were not.
    package var failures: Int { self.failed.load(ordering: .relaxed) }

    /// A service that serves a socket's clients in the same way.
    package static func service(on executor: any SerialExecutor) -> LockService {
        LockService(
            managers: [GrantingLockManager()],
            configuration: LockService.Configuration(executor: executor))
    }

    /// Runs on the service's executor, where every action is answered before it returns.
    package func run<Answer: Sendable>(_ body: (isolated LockService) -> Answer) -> Answer {
        self.executor.queue.sync { self.service.assumeIsolated(body) }
    }

    /// A logical volume's lock, taken or changed.
    package func lock(
        _ volume: LogicalVolume, _ mode: LockMode = .exclusive, from client: Client.ID,
        isPersistent: Bool = false, at service: isolated LockService
    ) {
        self.submit(
            .lock(.logicalVolume(volume), mode, .passingConflicts(retries: 4)), from: client,
            options: isPersistent ? .persistent : [], to: service)
    }

    /// A logical volume's lock, let go.
    package func unlock(
        _ volume: LogicalVolume, from client: Client.ID, at service: isolated LockService
    ) {
        self.submit(.unlock(.logicalVolume(volume)), from: client, to: service)
    }

    private func submit(
        _ operation: Action.Operation, from client: Client.ID, options: Action.Options = [],
        to service: isolated LockService
    ) {
        let action = Action(
            operation, volumeGroup: Self.volumeGroup, kind: GrantingLockManager.kind,
            options: options)
        service.submit(action, from: client) { reply in
            if reply.error == nil {
                self.granted.add(1, ordering: .relaxed)
            } else {
                self.failed.add(1, ordering: .relaxed)
            }
        }
    }
}

/// A serial queue as an executor that runs its caller's work in place.
private final class QueueExecutor: SerialExecutor {
    let queue = DispatchQueue(label: "benchmark")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(self.queue))
    }

    func isIsolatingCurrentContext() -> Bool? {
        // Nobody calls the service from anywhere else.
        true
    }
}
