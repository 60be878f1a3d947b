import Dispatch
import LockCore
import LockInMemory

extension LockService {
    /// Carries out an action as a client of a server would, and waits for its reply.
    func ask(_ action: Action, as client: Client.ID) async -> Reply {
        await withCheckedContinuation { continuation in
            self.submit(action, from: client) { continuation.resume(returning: $0) }
        }
    }

    /// The replies that come before `submit` returns.
    func askAtOnce(_ action: Action, as client: Client.ID) -> Reply? {
        let replies = Box<Reply?>(nil)
        self.submit(action, from: client) { reply in replies.change { $0 = reply } }
        return replies.value
    }

    /// Submits an action whose reply is to come later.
    func begin(_ action: Action, as client: Client.ID) -> Box<Reply?> {
        let replies = Box<Reply?>(nil)
        self.submit(action, from: client) { reply in replies.change { $0 = reply } }
        return replies
    }
}

extension Action {
    static func start(
        _ volumeGroup: String, _ kind: LockManagerKind, host: UInt32 = 1, options: Options = .wait
    ) -> Action {
        let arguments = kind == .sanlock ? "1.0.0:lvmlock" : ""
        let lockspace = Lockspace(
            volumeGroup: volumeGroup, kind: kind, arguments: arguments, hostID: host)
        return Action(
            .start(lockspace), volumeGroup: volumeGroup, kind: kind, options: options)
    }

    /// Makes the leases of a new volume group.
    static func initialise(_ volumeGroup: String) -> Action {
        let request = VolumeGroupRequest(volumeGroup: volumeGroup, arguments: "lvmlock")
        return Action(.initialiseVolumeGroup(request), volumeGroup: volumeGroup, kind: .sanlock)
    }

    static func lock(
        _ target: Target, _ mode: LockMode, in volumeGroup: String = "", options: Options = []
    ) -> Action {
        Action(.lock(target, mode, .retries(4)), volumeGroup: volumeGroup, options: options)
    }

    static func unlock(
        _ target: Target, in volumeGroup: String = "", options: Options = []
    ) -> Action {
        Action(.unlock(target), volumeGroup: volumeGroup, options: options)
    }
}

extension Action.Target {
    static func volume(_ uuid: String) -> Action.Target {
        .logicalVolume(LogicalVolume(uuid: uuid))
    }
}

extension LockManagerKind {
    static let dlm = LockManagerKind(rawValue: "dlm")
    static let sanlock = LockManagerKind(rawValue: "sanlock")
}

extension InMemoryCluster {
    /// Acts as the lock manager of that kind does.
    static func presenting(_ kind: LockManagerKind) -> InMemoryCluster {
        InMemoryCluster(.presenting(kind) ?? .native)
    }
}

/// A value that several threads share.
final class Box<Value>: @unchecked Sendable {
    private let queue = DispatchQueue(label: "box")
    private var content: Value

    init(_ content: Value) {
        self.content = content
    }

    var value: Value { self.queue.sync { self.content } }

    func change<Result>(_ body: (inout Value) -> Result) -> Result {
        self.queue.sync { body(&self.content) }
    }
}

/// Time that passes when the test says so.
final class ManualTime: TimeSource {
    private struct Sleeper {
        var id: Int
        var until: Duration
        var wake: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Duration.zero
        var next = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var watchers: [(until: Int, wake: CheckedContinuation<Void, Never>)] = []
        var beginnings = 0
    }

    private let state = Box(State())

    var now: Duration { self.state.value.now }

    func sleep(until time: Duration) async throws {
        let id = self.state.change { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (wake: CheckedContinuation<Void, any Error>) in
                self.state.change { state in
                    if state.cancelled.remove(id) != nil {
                        return wake.resume(throwing: CancellationError())
                    }
                    guard time > state.now else { return wake.resume() }
                    state.sleepers.append(Sleeper(id: id, until: time, wake: wake))
                    state.beginnings += 1
                    for watcher in state.watchers where watcher.until <= state.beginnings {
                        watcher.wake.resume()
                    }
                    state.watchers.removeAll { $0.until <= state.beginnings }
                }
            }
        } onCancel: {
            self.state.change { state in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return
                }
                state.sleepers.remove(at: index).wake.resume(throwing: CancellationError())
            }
        }
    }

    /// Lets time pass, and wakes whoever slept until then.
    func pass(_ duration: Duration) {
        let woken = self.state.change { state in
            state.now += duration
            let woken = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return woken
        }
        for sleeper in woken { sleeper.wake.resume() }
    }

    /// Returns when somebody has gone to sleep so many times.
    func untilAsleep(_ times: Int) async {
        await withCheckedContinuation { wake in
            self.state.change { state in
                guard state.beginnings < times else { return wake.resume() }
                state.watchers.append((times, wake))
            }
        }
    }
}
