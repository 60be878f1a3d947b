import LockCore
import LockInMemory
import LockTesting

/// One way to break the contract, and the rules that have to notice: these and no others.
struct Mutation: Sendable, CustomStringConvertible {
    /// What the broken manager does wrong.
    let description: String
    /// What it is a mutation of.
    let setup: Setup
    /// The rules that it breaks.
    let breaks: Set<String>
    private let change: @Sendable (inout MutatedLockManager) -> Void

    init(
        _ description: String, of setup: Setup = .native, breaks: Set<String>,
        _ change: @escaping @Sendable (inout MutatedLockManager) -> Void
    ) {
        self.description = description
        self.setup = setup
        self.breaks = breaks
        self.change = change
    }

    static let all = holds + values + waiting + tokens + adoption + loss + failures + hosts

    /// Hosts with the broken manager. Their limits are short, for it may hang.
    func hosts(count: Int) -> InMemoryHosts {
        var timing = HostTiming()
        timing.callLimit = .seconds(2)
        timing.takeoverLimit = .seconds(2)
        let world = InMemoryWorld(self.setup.configuration, timing: timing)
        let notes = Notes()
        return InMemoryHosts(count: count, world: world) { host in
            let manager = await world.cluster.managerOfNextProcess(host)
            var broken = MutatedLockManager(
                Intact(
                    manager: manager, host: UInt64(host), cluster: world.cluster, notes: notes))
            self.change(&broken)
            await broken.start(broken.intact)
            return broken
        }
    }
}

// What mutations look at in answers.

extension AcquireOutcome {
    var grant: Grant? {
        if case .granted(let grant) = self { grant } else { nil }
    }

    var isContended: Bool {
        if case .contended = self { true } else { false }
    }

    /// The outcome with another grant in place of the one in it.
    func changing(_ change: (inout Grant) -> Void) -> AcquireOutcome {
        guard var grant = self.grant else { return self }
        change(&grant)
        return .granted(grant)
    }
}

/// Lets a little time pass.
func shortly() async {
    try? await Task.sleep(for: .milliseconds(5))
}

/// Never comes back, unless the task is cancelled.
func hang() async -> AcquireOutcome {
    try? await Task.sleep(for: .seconds(1000))
    return .contended(Contention())
}
