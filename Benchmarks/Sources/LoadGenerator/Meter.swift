/// Takes the times of a run: first those of the warm-up, which are forgotten, then those that
/// count, until it says that it is enough.
final class Meter {
    private enum Phase {
        /// Nothing has begun. Next: warming.
        case waiting
        /// Caches fill. Next: measuring.
        case warming
        /// What happens counts. Next: ended.
        case measuring
        /// Enough. Next: none.
        case ended
    }

    private let workload: Workload
    private let daemon: Int32?
    private let histogram = LatencyHistogram()
    private var phase = Phase.waiting
    private var phaseEnds: UInt64 = 0
    private var began: UInt64 = 0
    private var ended: UInt64 = 0
    private var completed: UInt64 = 0
    private var ownCPU = 0.0
    private var daemonCPU = 0.0
    private var daemonUse: DaemonUse?
    private(set) var errors: UInt64 = 0
    private var firstError: String?

    init(_ workload: Workload, daemon: Int32?) {
        self.workload = workload
        self.daemon = daemon
    }

    var hasEnded: Bool {
        if case .ended = self.phase { return true }
        return false
    }

    /// Starts the warm-up.
    func begin() {
        self.phase = .warming
        self.phaseEnds = now() + UInt64(self.workload.warmUpSeconds * 1e9)
    }

    /// Something that began at one time was complete at another one.
    @inline(__always)
    func record(from start: UInt64, to end: UInt64) {
        self.histogram.record(end &- start)
        if end >= self.phaseEnds || self.histogram.count == self.workload.requests {
            self.nextPhase(end)
        }
    }

    func fail(_ error: @autoclosure () -> String) {
        self.errors += 1
        if self.firstError == nil { self.firstError = error() }
    }

    private func nextPhase(_ time: UInt64) {
        switch self.phase {
        case .warming:
            self.histogram.reset()
            self.phase = .measuring
            self.daemonCPU = self.daemon.flatMap(ProcessUse.cpuSeconds) ?? 0
            self.ownCPU = ProcessUse.ownCPUSeconds
            self.began = now()
            self.phaseEnds = self.began + UInt64(self.workload.seconds * 1e9)
        case .measuring:
            self.phase = .ended
            self.phaseEnds = .max
            self.ended = time
            self.completed = self.histogram.count
            self.ownCPU = ProcessUse.ownCPUSeconds - self.ownCPU
            self.readDaemonUse()
        case .waiting, .ended:
            break
        }
    }

    private func readDaemonUse() {
        guard let daemon = self.daemon, let cpu = ProcessUse.cpuSeconds(of: daemon),
            let memory = ProcessUse.memory(of: daemon)
        else { return }
        self.daemonUse = DaemonUse(cpu: cpu - self.daemonCPU, rss: memory.rss, pss: memory.pss)
    }

    func report() -> LoadReport {
        LoadReport(
            workload: self.workload, completed: self.completed,
            seconds: Double(self.ended &- self.began) / 1e9, errors: self.errors,
            firstError: self.firstError, latency: LoadReport.Latency(self.histogram),
            generatorCPU: self.ownCPU, daemon: self.daemonUse)
    }
}
