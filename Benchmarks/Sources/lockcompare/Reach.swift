/// How far Holdfast is to come, in one figure: a ratio of two medians of the same run, or bytes.
struct Reach: Sendable {
    /// What is compared.
    enum Figure: String, Codable, Sendable {
        case p50, p99, rate, errors
    }

    enum Basis: Sendable {
        /// The other daemon in the same measurement.
        case upstream
        /// Calls of sanlock's library, without a lock daemon, in the same measurement.
        case direct
        /// Holdfast in another measurement.
        case own(String)
        /// Nothing: the figure itself counts.
        case none
    }

    var title: String
    /// The measurement.
    var of: String
    var figure: Figure
    var basis: Basis
    var limit: Double
    /// At most the limit; else at least.
    var isCeiling: Bool

    static let all: [Reach] = [
        Reach(
            title: "pinned, 1 client: p50, of lvmlockd's", of: "pinned-1", figure: .p50,
            basis: .upstream, limit: 0.4, isCeiling: true),
        Reach(
            title: "pinned, 64 clients: requests a second, of lvmlockd's", of: "pinned-64",
            figure: .rate, basis: .upstream, limit: 2, isCeiling: false),
        Reach(
            title: "1 client: p50, of lvmlockd's", of: "free-1", figure: .p50, basis: .upstream,
            limit: 0.8, isCeiling: true),
        Reach(
            title: "8 clients: requests a second, of lvmlockd's", of: "free-8", figure: .rate,
            basis: .upstream, limit: 2, isCeiling: false),
        Reach(
            title: "64 clients: requests a second, of lvmlockd's", of: "free-64", figure: .rate,
            basis: .upstream, limit: 2.5, isCeiling: false),
        Reach(
            title: "64 clients: p99, of lvmlockd's", of: "free-64", figure: .p99,
            basis: .upstream, limit: 0.3, isCeiling: true),
        Reach(
            title: "512 clients: errors", of: "free-512", figure: .errors, basis: .none,
            limit: 0, isCeiling: true),
        Reach(
            title: "512 clients: p99, of its own with 64", of: "free-512", figure: .p99,
            basis: .own("free-64"), limit: 8, isCeiling: true),
        Reach(
            title: "100,000 held, pinned: p50, of its own with none", of: "held-100k",
            figure: .p50, basis: .own("pinned-1"), limit: 1.1, isCeiling: true),
        Reach(
            title: "one lock, 64 clients: hand-overs a second, of lvmlockd's", of: "one-64",
            figure: .rate, basis: .upstream, limit: 5, isCeiling: false),
        Reach(
            title: "connect to close: p50, of lvmlockd's", of: "connect", figure: .p50,
            basis: .upstream, limit: 0.7, isCeiling: true),
        Reach(
            title: "on sanlock, 8 clients: requests a second, of direct calls", of: "sanlock",
            figure: .rate, basis: .direct, limit: 0.9, isCeiling: false),
    ]

    /// The bytes that the engine alone may take for a held lock.
    static let mostEngineBytes = 600.0

    func isReached(_ value: Double) -> Bool {
        self.isCeiling ? value <= self.limit : value >= self.limit
    }
}
