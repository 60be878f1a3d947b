import LVMClient
import LVMWire

/// One client after the other that connects, says hello, locks, unlocks and closes, as a command
/// of lvm does it. What is timed is the whole.
struct ConnectingClient {
    private let path: String
    private let requests: [[UInt8]]

    init(_ path: String, _ workload: Workload) {
        self.path = path
        self.requests =
            [ClientRequest("hello").bytes]
            + Requests.cycle(workload, client: 0).map(\.bytes)
    }

    func run(_ meter: Meter) throws(ClientError) {
        var expected = self.requests.map { _ in ExpectedReply() }
        meter.begin()
        while !meter.hasEnded {
            let start = now()
            var failure: String?
            do {
                let connection = try LockdConnection(to: self.path)
                for (step, request) in self.requests.enumerated() {
                    try connection.send(bytes: request)
                    let reply = try connection.receiveFrame() + FrameReader.terminator
                    let verdict = reply.withUnsafeBytes { expected[step].check($0) }
                    if case .bad(let what) = verdict { failure = what }
                }
            }
            meter.record(from: start, to: now())
            if let failure { meter.fail(failure) }
        }
    }
}
