import LoadGenerator

/// One thing that is measured with both daemons.
struct Measurement: Sendable {
    /// What it is called on the command line and in the results.
    var id: String
    /// What it is called in tables.
    var title: String
    var workload: Workload
    /// Daemon and generator share one processor.
    var isPinned = false
    /// Only with Holdfast: the other one would take hours.
    var isOwn = false
    /// On a sanlock daemon, and also without any lock daemon; else in test mode.
    var isOnSanlock = false

    var peers: [Peer] {
        if self.isOwn { return [.holdfast] }
        return self.isOnSanlock ? Peer.allCases : [.holdfast, .lvmlockd]
    }

    static let all: [Measurement] =
        Self.pinned + Self.free + Self.contended + Self.held + Self.otherKinds + [Self.sanlock]

    private static let pinned = [
        Measurement(
            id: "pinned-1", title: "lv, 1 client, pinned", workload: Workload(.lv),
            isPinned: true),
        Measurement(
            id: "pinned-64", title: "lv, 64 clients, pinned", workload: Workload(.lv, clients: 64),
            isPinned: true),
    ]

    private static let free = [1, 8, 64, 512].map { clients in
        Measurement(
            id: "free-\(clients)", title: "lv, \(clients) client\(clients == 1 ? "" : "s")",
            workload: Workload(.lv, clients: clients))
    }

    private static let contended = [
        Measurement(
            id: "one-64", title: "one lock, 64 clients in turn",
            workload: Workload(.one, clients: 64)),
        Measurement(
            id: "connect", title: "connect, hello, lock, unlock, close",
            workload: Workload(.lv, connects: true)),
        Measurement(
            id: "connect-pinned", title: "the same, pinned",
            workload: Workload(.lv, connects: true), isPinned: true),
    ]

    private static let held = [
        Measurement(
            id: "held-10k", title: "lv, 1 client, 10,000 held, pinned",
            workload: Workload(.lv, held: 10_000), isPinned: true),
        Measurement(
            id: "held-100k", title: "lv, 1 client, 100,000 held, pinned",
            workload: Workload(.lv, held: 100_000), isPinned: true, isOwn: true),
    ]

    private static let otherKinds = [Workload.Kind.vg, .gl].flatMap { kind in
        [
            Measurement(
                id: "\(kind)-1", title: "\(kind), 1 client, pinned", workload: Workload(kind),
                isPinned: true),
            Measurement(
                id: "\(kind)-64", title: "\(kind), 64 clients share it",
                workload: Workload(kind, clients: 64)),
        ]
    }

    private static let sanlock = Measurement(
        id: "sanlock", title: "lv on sanlock, 64 locks, 8 clients",
        workload: Workload(.leased, clients: 8), isOnSanlock: true)
}
