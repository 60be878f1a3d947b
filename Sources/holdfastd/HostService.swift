import LockCore
import LockServer
import ServiceLifecycle

/// One host: its lock service and the socket on which LVM's commands reach it.
struct HostService: Service, CustomStringConvertible {
    let number: Int
    let locks: LockService
    let server: UnixSocketServer
    let log: EventLog

    var description: String { "host \(self.number)" }

    /// Logs what happens by itself, and sees to volume groups that lost their locks, until the
    /// process is to end; then takes no more clients.
    func run() async {
        let kill = self.killChain
        await withDiscardingTaskGroup { group in
            for await event in self.locks.events.cancelOnGracefulShutdown() {
                let (level, text) = event.logLine
                self.log.log(level, text)
                guard case .lost(let lockspace, _, _) = event,
                    !lockspace.volumeGroup.isEmpty
                else { continue }
                group.addTask { await kill.locksLost(of: lockspace.volumeGroup) }
            }
            group.cancelAll()
        }
        await self.server.stop()
    }

    private var killChain: KillChain {
        let (log, locks) = (self.log, self.locks)
        return KillChain(log: { log.log($0, $1) }) { volumeGroup in
            do throws(LockError) {
                return try await locks.perform(Action(.drop, volumeGroup: volumeGroup)).error
            } catch {
                return error.code
            }
        }
    }
}

extension LockspaceStatus {
    /// Which of its resources are held, the first few by name.
    fileprivate var heldLocks: String {
        let held = self.resources.filter { !$0.locks.isEmpty }
        let names = held.prefix(8).map { "\($0.name) \($0.mode)" }.joined(separator: ", ")
        let others = held.count > 8 ? " and \(held.count - 8) more" : ""
        return "\(self.lockspace.id): \(names)\(others)"
    }
}

extension LockEvent {
    fileprivate var logLine: (LogLevel, String) {
        switch self {
        case .joining(let lockspace, let longest):
            (.debug, "lockspace \(lockspace) is being joined, which takes up to \(longest)")
        case .started(let lockspace): (.debug, "lockspace \(lockspace) started")
        case .stopped(let lockspace): (.debug, "lockspace \(lockspace) stopped")
        case .failed(let lockspace, let error):
            (.error, "lockspace \(lockspace) cannot be started: \(error)")
        case .lost(let lockspace, let reason, let certainFor):
            (
                .error,
                "lockspace \(lockspace.id) is lost: \(reason); its locks are safe from other "
                    + "hosts for \(certainFor)"
            )
        case .wanted(let resource):
            (.debug, "another host waits for \(resource.name) in \(resource.lockspace)")
        case .managerFailed(let error): (.error, "the lock manager failed: \(error)")
        }
    }
}

/// Decides when the process ends: on a signal, when no host holds locks; or when the last host
/// has been told to quit by its clients.
struct StopService: Service, CustomStringConvertible {
    /// Why the process might end.
    enum Reason: Sendable {
        case signal(name: String)
        case quit(host: Int)
    }

    let hosts: [HostService]
    let reasons: AsyncStream<Reason>
    let log: EventLog

    var description: String { "stop" }

    /// Returns when the process is to end, which ends the other services.
    func run() async {
        var serving = Set(self.hosts.map(\.number))
        for await reason in self.reasons.cancelOnGracefulShutdown() {
            switch reason {
            case .quit(let number):
                serving.remove(number)
                await self.hosts.first { $0.number == number }?.server.stop()
                if serving.isEmpty { return }
            case .signal(let name):
                if await self.stopsUnused(on: name) { return }
            }
        }
    }

    /// Stops what holds no locks. True if nothing is left.
    private func stopsUnused(on signal: String) async -> Bool {
        var used: [LockspaceStatus] = []
        for host in self.hosts { used += await host.locks.stopUnused() }
        if used.isEmpty { return true }
        self.log.log(
            .warning,
            "\(signal): not ending, because locks are held: "
                + used.map(\.heldLocks).joined(separator: "; ")
                + ". Deactivate the logical volumes and stop the volume groups first")
        return false
    }
}
