#if Sanlock
import Glibc
import LockCore

extension SanlockLockspace {
    /// sanlock ran the kill path: the lockspace could not be renewed.
    func killed() async {
        guard case .joined = self.standing else { return }
        self.lose(
            "sanlock could not renew its lease of the lockspace",
            certainFor: await self.certainTime())
    }

    /// The watched socket closed: the lockspace is gone, or the daemon.
    func watchEnded() async {
        guard case .joined = self.standing else { return }
        if await self.isDaemonTheSame() {
            // sanlock lets a lockspace go when nothing in it is held any more.
            self.lose("sanlock removed the lockspace", certainFor: .zero)
        } else {
            self.loseDaemon()
        }
    }

    /// A call found the daemon gone. What this host holds is in the watchdog's care.
    func loseDaemon() {
        self.lose("the sanlock daemon is gone", certainFor: self.leastCertain)
    }

    private var leastCertain: Duration {
        HostTimes.leastCertain(watchdogSeconds: UInt64(self.configuration.watchdogSeconds))
    }

    /// Finds out whether the lockspace failed, after a call that says so.
    func checkStanding() async {
        let record = self.plan.record
        let calls = self.calls
        do throws(SanlockStatus) {
            try await self.vigil.run { () throws(SanlockStatus) in
                try calls.inquireLockspace(record, false)
            }
            // It is there and takes no requests: sanlock is giving it up.
            await self.killed()
        } catch {
            await self.watchEnded()
        }
    }

    /// Another daemon knows nothing of this membership's connections.
    private func isDaemonTheSame() async -> Bool {
        do throws(SanlockStatus) {
            try await self.call(0) { connection async throws(SanlockStatus) in
                try await connection.inquire()
            }
            return true
        } catch {
            return false
        }
    }

    func isDaemonRunning() async -> Bool {
        let calls = self.calls
        return await self.vigil.run {
            do throws(SanlockStatus) {
                _ = try calls.version()
                return true
            } catch {
                return false
            }
        }
    }

    private func certainTime() async -> Duration {
        let (calls, id, hostID) = (self.calls, self.id.name, self.plan.hostID)
        do throws(SanlockStatus) {
            let host = try await self.vigil.run { () throws(SanlockStatus) in
                try calls.hosts(id, hostID).first
            }
            guard let host else { return self.leastCertain }
            let times = HostTimes(
                ioTimeoutSeconds: UInt64(host.ioTimeoutSeconds),
                watchdogSeconds: UInt64(self.configuration.watchdogSeconds))
            return times.certain(renewedAt: host.timestamp, now: MonotonicSeconds.now())
        } catch {
            return self.leastCertain
        }
    }
}

/// The clock that hosts' timestamps count: whole seconds since the machine started.
enum MonotonicSeconds {
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec)
    }
}
#endif
