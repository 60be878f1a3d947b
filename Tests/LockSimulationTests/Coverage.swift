import LockCore

/// Which states and transitions of the machines a simulation has been through.
struct Coverage {
    private(set) var resource: [Transition: Int] = [:]
    private(set) var lockspace: [Transition: Int] = [:]
    private(set) var places: [String: Int] = [:]

    struct Transition: Hashable, Comparable {
        var from: String
        var to: String

        static func < (left: Transition, right: Transition) -> Bool {
            (left.from, left.to) < (right.from, right.to)
        }
    }

    mutating func add(_ before: Snapshot, _ machine: LockspaceMachine) {
        let (from, to) = (before.state.word, machine.state.word)
        if from != to { self.lockspace[Transition(from: from, to: to), default: 0] += 1 }
        for old in before.resources {
            let state = machine.resources[old.name]?.state.word ?? "gone"
            if old.state.word != state || old.state != machine.resources[old.name]?.state {
                self.resource[Transition(from: old.state.word, to: state), default: 0] += 1
            }
        }
    }

    mutating func add(_ place: GlobalLockMachine.Place) {
        let word =
            switch place {
            case .ownLockspace: "own lockspace"
            case .volumeGroup: "volume group"
            case .unknown: "unknown"
            }
        self.places[word, default: 0] += 1
    }

    mutating func add(_ other: Coverage) {
        self.resource.merge(other.resource, uniquingKeysWith: +)
        self.lockspace.merge(other.lockspace, uniquingKeysWith: +)
        self.places.merge(other.places, uniquingKeysWith: +)
    }

    /// A table of all transitions, visited or expected.
    var table: String {
        func rows(
            _ machine: String, _ counts: [Transition: Int], _ expected: Set<Transition>
        ) -> [String] {
            Set(counts.keys).union(expected).sorted().map { transition in
                let count = counts[transition].map { "\($0)" } ?? "NEVER"
                return "\(machine): \(transition.from) -> \(transition.to): \(count)"
            }
        }
        let places = ["own lockspace", "volume group", "unknown"].map { place in
            "global lock: \(place): \(self.places[place].map { "\($0)" } ?? "NEVER")"
        }
        return
            (rows("resource", self.resource, Self.expectedOfResources)
            + rows("lockspace", self.lockspace, Self.expectedOfLockspaces) + places)
            .joined(separator: "\n")
    }

    /// What should have been visited and was not.
    var missing: [String] {
        let resources = Self.expectedOfResources.subtracting(self.resource.keys)
        let lockspaces = Self.expectedOfLockspaces.subtracting(self.lockspace.keys)
        let places = ["own lockspace", "volume group", "unknown"].filter { self.places[$0] == nil }
        return (resources.union(lockspaces)).sorted().map { "\($0.from) -> \($0.to)" } + places
    }

    private static func transitions(_ from: String, _ to: String...) -> [Transition] {
        to.map { Transition(from: from, to: $0) }
    }

    /// What one input can make of a resource's state.
    static let expectedOfResources = Set(
        transitions("idle", "acquiring", "converting", "releasing", "asking", "gone")
            + transitions("acquiring", "idle", "acquiring", "acquiring for nobody", "releasing")
            + transitions("acquiring", "forgetting")
            + transitions("acquiring for nobody", "idle", "acquiring", "releasing", "forgetting")
            + transitions("converting", "idle", "converting", "releasing")
            + transitions("releasing", "idle", "acquiring", "forgetting", "asking")
            + transitions("forgetting", "gone", "acquiring") + transitions("asking", "idle", "gone")
    )

    static let expectedOfLockspaces = Set(
        transitions("preparing", "joining", "failed")
            + transitions("joining", "started", "leaving", "failed")
            + transitions("started", "clearing", "leaving") + transitions("clearing", "leaving")
            + transitions("leaving", "stopped", "started"))
}

extension ResourceMachine.State {
    var word: String {
        switch self {
        case .idle: "idle"
        case .acquiring(_, for: nil): "acquiring for nobody"
        case .acquiring: "acquiring"
        case .converting: "converting"
        case .releasing: "releasing"
        case .forgetting: "forgetting"
        case .asking: "asking"
        }
    }
}

extension LockspaceMachine.State {
    var word: String {
        switch self {
        case .preparing: "preparing"
        case .joining: "joining"
        case .started: "started"
        case .clearing: "clearing"
        case .leaving: "leaving"
        case .stopped: "stopped"
        case .failed: "failed"
        }
    }
}

extension ResourceCall {
    var words: String {
        switch self {
        case .acquire(let mode, let options, _, _):
            "acquire \(mode)" + (options.waiting ? " waiting" : "")
        case .convert(let mode, let value):
            "convert to \(mode)" + (value.map { " writing \($0.resourceVersion)" } ?? "")
        case .release(let value):
            "release" + (value.map { " writing \($0.resourceVersion)" } ?? "")
        case .forget: "forget"
        case .freeLease: "free the lease"
        case .setGlobalLock(let enabled, _): "enable the global lock: \(enabled)"
        case .simulateRemoteHolder(let mode): "simulate \(mode)"
        }
    }
}

extension ResourceAnswer {
    var words: String {
        switch self {
        case .outcome(.success(.granted(let grant))): "granted, \(grant.value.words)"
        case .outcome(.success(.contended)): "contended"
        case .outcome(.success): "no orphan"
        case .outcome(.failure(let error)), .done(let error?):
            "failed, the hold is \(error.hold)"
        case .done(nil): "done"
        }
    }
}

extension ValueBlockReading {
    var words: String {
        if case .value(let block) = self { "version \(block.resourceVersion)" } else { "\(self)" }
    }
}

extension LockspaceCall {
    var words: String {
        switch self {
        case .prepare: "prepare"
        case .join: "join"
        case .leave(let reason): "leave, \(reason)"
        case .otherHosts: "are there other hosts?"
        case .findFreeLease: "is there a free lease?"
        }
    }
}
