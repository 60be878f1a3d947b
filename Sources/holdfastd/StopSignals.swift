import Dispatch
import Glibc

/// Hears the signals that ask the daemon to end, which does not end by them at once: it may hold
/// locks for others.
struct StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// Listens to SIGTERM and SIGINT from now on, and lets no other signal of a terminal or a
    /// connection end the process.
    init(onSignal: @escaping @Sendable (_ name: String) -> Void) {
        for number in [SIGPIPE, SIGHUP] { signal(number, SIG_IGN) }
        let queue = DispatchQueue(label: "holdfastd.signals")
        self.sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            // A dispatch source sees a signal only where the process itself ignores it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { onSignal(name) }
            source.resume()
            return source
        }
    }

    /// Stops listening.
    func cancel() {
        for source in self.sources { source.cancel() }
    }
}
