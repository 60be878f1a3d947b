import LockCore

@testable import LockDLM

/// A dlm_controld that ends when it is told to, and cannot be reached from then on.
struct SimulatedDaemon: Sendable {
    private let state = Guarded(State(), label: "simulated daemon")

    private struct State {
        var hasEnded = false
        var last = 0
        var watchers: [Int: @Sendable () -> Void] = [:]
    }

    /// Watches it.
    var watch: DaemonWatch {
        let state = self.state
        return DaemonWatch { ended in
            state.with { state in
                if state.hasEnded { return nil }
                state.last += 1
                let number = state.last
                state.watchers[number] = ended
                return DaemonWatch.Token { self.forget(number) }
            }
        }
    }

    /// Those that watch it.
    var watchers: Int { self.state.with { $0.watchers.count } }

    /// It ends.
    func end() {
        let watchers = self.state.with { state in
            state.hasEnded = true
            defer { state.watchers = [:] }
            return state.watchers
        }
        for ended in watchers.values { ended() }
    }

    private func forget(_ number: Int) {
        self.state.with { $0.watchers[number] = nil }
    }
}
