import LoadGenerator

/// Everything that was measured, as it is written to a file.
struct Results: Codable {
    /// One measurement with one daemon: a report for each round.
    struct Series: Codable {
        var measurement: String
        var title: String
        var peer: Peer
        var isPinned: Bool
        var rounds: [LoadReport] = []
        /// Rounds that came to no report, and why.
        var failures: [String] = []
    }

    struct ReachResult: Codable {
        var title: String
        var limit: Double
        var isCeiling: Bool
        /// The ratio of the medians of the rounds, or the figure itself.
        var value: Double
        /// The smallest and the largest ratio of a round.
        var lowest: Double
        var highest: Double
        var isReached: Bool
    }

    var machine: Machine
    var rounds: Int
    var secondsPerRun: Double
    /// How busy the processors were with other things, before each round.
    var busyBefore: [Double] = []
    var series: [Series] = []
    var engineBytesPerLock: Double?
    var reaches: [ReachResult] = []

    func series(_ measurement: String, _ peer: Peer) -> Series? {
        self.series.first { $0.measurement == measurement && $0.peer == peer }
    }

    mutating func add(
        _ report: Result<LoadReport, CompareError>, _ measurement: Measurement, _ peer: Peer
    ) {
        let known = self.series.firstIndex {
            $0.measurement == measurement.id && $0.peer == peer
        }
        let index = known ?? self.series.endIndex
        if known == nil {
            self.series.append(
                Series(
                    measurement: measurement.id, title: measurement.title, peer: peer,
                    isPinned: measurement.isPinned))
        }
        switch report {
        case .success(let report): self.series[index].rounds.append(report)
        case .failure(let error): self.series[index].failures.append(error.description)
        }
    }

    // MARK: Reaches

    /// Compares what was measured with what is to be reached; leaves out what was not measured.
    mutating func judge() {
        self.reaches = Reach.all.compactMap(self.result)
        if let bytes = self.engineBytesPerLock {
            let limit = Reach.mostEngineBytes
            self.reaches.append(
                ReachResult(
                    title: "a held lock in the engine alone, in bytes", limit: limit,
                    isCeiling: true, value: bytes, lowest: bytes, highest: bytes,
                    isReached: bytes <= limit))
        }
    }

    private func result(_ reach: Reach) -> ReachResult? {
        guard let own = self.series(reach.of, .holdfast) else { return nil }
        let basis: Series?
        switch reach.basis {
        case .upstream: basis = self.series(reach.of, .lvmlockd)
        case .direct: basis = self.series(reach.of, .direct)
        case .own(let measurement): basis = self.series(measurement, .holdfast)
        case .none:
            // A run that failed as a whole is an error of the run, too.
            let values = own.values(reach.figure) + own.failures.map { _ in 1 }
            return self.result(reach, values.reduce(0, +), rounds: values)
        }
        guard let basis, let median = own.median(reach.figure),
            let basisMedian = basis.median(reach.figure)
        else { return nil }
        let pairs = zip(own.values(reach.figure), basis.values(reach.figure))
        return self.result(reach, median / basisMedian, rounds: pairs.map { $0 / $1 })
    }

    private func result(_ reach: Reach, _ value: Double, rounds: [Double]) -> ReachResult {
        ReachResult(
            title: reach.title, limit: reach.limit, isCeiling: reach.isCeiling, value: value,
            lowest: rounds.min() ?? value, highest: rounds.max() ?? value,
            isReached: reach.isReached(value))
    }
}

extension Results.Series {
    func values(_ figure: Reach.Figure) -> [Double] {
        self.rounds.map { report in
            switch figure {
            case .p50: report.latency.p50
            case .p99: report.latency.p99
            case .rate: report.rate
            case .errors: Double(report.errors)
            }
        }
    }

    func median(_ figure: Reach.Figure) -> Double? { Self.median(self.values(figure)) }

    func median(_ value: (LoadReport) -> Double?) -> Double? {
        Self.median(self.rounds.compactMap(value))
    }

    private static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let upper = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2
    }
}
