#if Sanlock
import LockCore

/// sanlock's times: how long a host's holds are safe after it last renewed its own lease.
///
/// After 8 io timeouts without a renewal sanlock takes its own host for failed and runs the
/// kill path. Other hosts wait for the watchdog of the failed one besides, which fires within
/// its own time (`watchdog_fire_timeout`; the same on every host), and only then take over.
struct HostTimes: Hashable, Sendable {
    /// Seconds that the host waits for one read or write.
    var ioTimeoutSeconds: UInt64

    /// Seconds after which a watchdog that nobody feeds resets its host.
    var watchdogSeconds: UInt64

    /// Seconds without a renewal after which a host kills (`calc_id_renewal_fail_seconds`).
    var failSeconds: UInt64 { 8 * self.ioTimeoutSeconds }

    /// Seconds without a renewal after which others take over (`calc_host_dead_seconds`).
    var deadSeconds: UInt64 { self.failSeconds + self.watchdogSeconds }

    /// Seconds that a join may take (`delta_lease_acquire`): first until a last owner of the host's
    /// number is surely dead, unless it left, or is this host itself; then two io timeouts, to see
    /// that nobody else took the number at the same time; and a few to look and to write.
    func longestJoin(afterOwner mayBeAnother: Bool) -> UInt64 {
        let look = 3 * self.ioTimeoutSeconds
        return (mayBeAnother ? self.deadSeconds : 0) + 2 * self.ioTimeoutSeconds + look
    }

    /// How long from now no other host can have what this one held, if it renewed its lease at
    /// that time last; both in seconds of the monotonic clock, which counts whole ones.
    func certain(renewedAt renewal: UInt64, now: UInt64) -> Duration {
        let end = renewal + self.deadSeconds
        return end > now + 1 ? .seconds(end - now - 1) : .zero
    }

    /// The same if nothing is known but that this host has not failed before: it renewed less
    /// than ``failSeconds`` ago, and sanlock looks once a second.
    static func leastCertain(watchdogSeconds: UInt64) -> Duration {
        watchdogSeconds > 2 ? .seconds(watchdogSeconds - 2) : .zero
    }
}
#endif
