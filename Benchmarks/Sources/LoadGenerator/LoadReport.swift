/// What one run of a workload came to.
package struct LoadReport: Codable, Sendable {
    /// Times in microseconds, of what was completed.
    package struct Latency: Codable, Sendable {
        package var p50: Double
        package var p90: Double
        package var p99: Double
        package var max: Double

        init(_ histogram: LatencyHistogram) {
            let microseconds = { (nanoseconds: UInt64) in Double(nanoseconds) / 1000 }
            self.p50 = microseconds(histogram.quantile(0.5))
            self.p90 = microseconds(histogram.quantile(0.9))
            self.p99 = microseconds(histogram.quantile(0.99))
            self.max = microseconds(histogram.longest)
        }
    }

    package var workload: Workload
    /// Replies in the time measured; hand-overs where clients take turns; connections where each of
    /// those is what is measured.
    package var completed: UInt64
    package var seconds: Double
    /// Replies with a result that is not 0, and clients that got none.
    package var errors: UInt64
    /// What the first of them was.
    package var firstError: String?
    package var latency: Latency
    /// Processor time of this generator, in seconds.
    package var generatorCPU: Double
    /// What the daemon used, if its process was given.
    package var daemon: DaemonUse?

    /// Completed in a second.
    package var rate: Double { self.seconds > 0 ? Double(self.completed) / self.seconds : 0 }
    /// How much of the time the generator was busy; near 1 it may itself set the pace.
    package var generatorLoad: Double {
        self.seconds > 0 ? self.generatorCPU / self.seconds : 0
    }
}

extension LoadReport {
    /// What threads came to that called a library themselves, from the nanoseconds that each of
    /// their calls took.
    package init(
        _ workload: Workload, calls: [UInt64], seconds: Double, errors: UInt64,
        firstError: String?, generatorCPU: Double
    ) {
        let histogram = LatencyHistogram()
        for call in calls { histogram.record(call) }
        self.init(
            workload: workload, completed: histogram.count, seconds: seconds, errors: errors,
            firstError: firstError, latency: Latency(histogram), generatorCPU: generatorCPU)
    }
}

/// What the daemon used while the load was measured.
package struct DaemonUse: Codable, Sendable {
    /// Processor time in seconds.
    package var cpu: Double
    /// Memory at the end, in bytes: resident, and its proportional share of what is shared.
    package var rss: UInt64
    package var pss: UInt64
}
