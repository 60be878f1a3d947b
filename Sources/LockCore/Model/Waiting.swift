/// How long a request puts up with somebody in its way.
public struct Waiting: Hashable, Sendable {
    /// Does it queue behind other clients of this host?
    public var queues: Bool
    /// How long it asks again while another host is in the way; nil without end, zero not at all.
    public var otherHosts: Duration?
    /// Asks again only after conflicts that the manager calls passing.
    public var onlyPassingConflicts: Bool
    /// When it gives up in any case, on the service's clock.
    public var deadline: Duration?

    /// Describes how a request waits.
    public init(
        queues: Bool = true, otherHosts: Duration? = nil, onlyPassingConflicts: Bool = false,
        deadline: Duration? = nil
    ) {
        self.queues = queues
        self.otherHosts = otherHosts
        self.onlyPassingConflicts = onlyPassingConflicts
        self.deadline = deadline
    }

    /// Answers at once.
    public static let no = Waiting(queues: false, otherHosts: .zero)

    /// Waits until granted.
    public static let forever = Waiting()

    /// lvmlockd's rule for the global and volume-group locks: `retries` beyond the first,
    /// counted from 0 and a second apart; other clients of the host are waited for without end.
    public static func retries(_ retries: Int) -> Waiting {
        Waiting(otherHosts: Self.time(forRetries: retries))
    }

    private static func time(forRetries retries: Int) -> Duration {
        .seconds(max(0, min(retries, Int(Int32.max)) + 1))
    }

    /// lvmlockd's rule for logical volumes: another host's lock is an answer, only the passing
    /// conflicts of shared leases are tried again.
    public static func passingConflicts(retries: Int) -> Waiting {
        Waiting(otherHosts: Self.time(forRetries: retries), onlyPassingConflicts: true)
    }
}
