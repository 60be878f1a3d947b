import LockCore
import LockInMemory

/// Hosts, their clients and a lock manager under a scheduler with virtual time. One script makes
/// one run: nothing else decides about it, so it replays exactly.
final class Simulation {
    static let lockspace = Lockspace(volumeGroup: "vg0", kind: .simulated)

    /// Something that happens by itself at its time.
    enum Event {
        case arrives(Call)
        case answered(Call, Answer)
        case wakes(MachineBox, Resource.Name)
        case cancels(MachineBox, Resource.Name)
        case lost(MachineBox, Membership.ID)
        case wanted(MachineBox, Membership.ID, Resource.Name, Grant.ID)
        case expires(Lockspace.ID, UInt64, Membership.ID)
        case finishesRelease(Resource.ID, UInt64)
    }

    struct Call {
        var id: SimulatedCluster.CallID
        var box: MachineBox
        var what: What
        var fate: Fate

        enum What {
            case resource(Resource.Name, ResourceCall)
            case lockspace(LockspaceCall)
        }
    }

    /// How long a call takes in each direction, and whether it fails.
    struct Fate {
        enum Fault { case none, passingConflict, failure, unknownBefore, unknownAfter }

        var there: Duration
        var back: Duration
        var fault: Fault
    }

    enum Answer {
        case resource(ResourceAnswer)
        case prepared(Result<Prepared, LockManagerError>)
        case joined(Result<Membership, LockManagerError>)
        case left(LockManagerError?)
        case hosts(ActionID, OtherHosts)
        case lease(ActionID)
    }

    /// An action without a reply.
    struct Pending {
        var host: UInt64
        var client: Client.ID
        var action: Action
        var box: MachineBox?
    }

    /// A mistake that is made on purpose, to see that it is found.
    enum Bug {
        case dropsReleases, answersTwice, grantsWhatIsContended, forgetsToVanish
    }

    let script: Script
    let bug: Bug?
    var cluster: SimulatedCluster
    var hosts: [UInt64: SimulatedHost] = [:]
    var now = Duration.zero
    var queue = EventQueue<Event>()
    var calls: [SimulatedCluster.CallID: Call] = [:]
    var pending: [ActionID: Pending] = [:]
    /// Actions whose clients are gone: they may be answered once more, or never.
    var orphaned: Set<ActionID> = []
    /// How often the data behind each resource was changed.
    var data: [Resource.ID: Int] = [:]
    var coverage = Coverage()
    /// What happened, in words, if that is wanted: finding the words takes longer than the run.
    var log: [String] = []
    let keepsLog: Bool
    /// Looks for broken rules after every event. Off where only the cost counts.
    var checks = true
    var hasFaults = true
    var lastAction: UInt64 = 0
    var lastCall = 0
    /// How many events and inputs there were.
    var events = 0
    /// Lets the client of an action vanish just before that event.
    var vanishing: (event: Int, choice: Int)?
    /// At which events somebody waited for an answer, and how many.
    var awaited: [Int] = []

    init(_ script: Script, bug: Bug? = nil, keepsLog: Bool = false) {
        self.script = script
        self.bug = bug
        self.keepsLog = keepsLog
        self.cluster = SimulatedCluster(
            script.capabilities, keepsValueBlocks: script.keepsValueBlocks)
        for host in 1...script.hosts {
            self.hosts[host] = SimulatedHost(host, script.capabilities)
        }
    }

    // MARK: The run

    /// Plays the script and brings everything to an end.
    func run() throws {
        for step in self.script.steps {
            try self.pass(until: self.now + step.pause)
            try self.perform(step)
        }
        try self.drain()
    }

    /// Lets time pass, with everything that happens meanwhile.
    func pass(until end: Duration) throws {
        while let time = self.queue.nextTime, time <= end { try self.takeNext() }
        self.now = end
    }

    func takeNext() throws {
        guard let (time, event) = self.queue.takeNext() else { return }
        self.now = max(self.now, time)
        self.events += 1
        if self.checks { try self.vanishIfDue() }
        switch event {
        case .arrives(let call): try self.arrives(call)
        case .answered(let call, let answer): try self.deliver(answer, to: call)
        case .wakes(let box, let name): try self.wake(box, name)
        case .cancels(let box, let name):
            self.cluster.cancel(Resource.ID(lockspace: box.id, name: name), box.host)
        case .lost(let box, let membership): try self.heardOfLoss(box, membership)
        case .wanted(let box, let membership, let name, let grant):
            guard !box.isDead, box.machine.membership?.id == membership else { break }
            try self.step(box, "host \(box.host): \(name) is wanted") {
                $0.holdWanted(name, by: grant, now: self.now)
            }
        case .expires(let space, let host, let membership):
            self.note("host \(host)'s holds are free")
            self.cluster.expire(space, host, membership)
        case .finishesRelease(let resource, let host):
            self.cluster.finishRelease(resource, host)
        }
        self.deliverNews()
    }

    private func vanishIfDue() throws {
        self.awaited.append(self.pending.count)
        guard let vanishing = self.vanishing, vanishing.event == self.events else { return }
        let waiting = self.pending.keys.sorted { $0.rawValue < $1.rawValue }
        guard vanishing.choice < waiting.count, let who = self.pending[waiting[vanishing.choice]]
        else { return }
        self.note("host \(who.host): client \(who.client.rawValue) vanishes")
        try self.vanish(who.client, on: who.host)
    }

    func note(_ words: @autoclosure () -> String) {
        if self.keepsLog { self.log.append("\(self.now.milliseconds) ms  \(words())") }
    }

    // MARK: Steps

    private func perform(_ step: Step) throws {
        guard var host = self.hosts[step.host] else { return }
        self.note("\(step)")
        switch step.what {
        case .ask(let slot, let operation, let options):
            let client = host.client(slot)
            self.hosts[step.host] = host
            try self.ask(operation, options, client, step.host)
        case .vanish(let slot):
            guard let client = host.clients[slot] else { return }
            try self.vanish(client, on: step.host)
        case .withdraw(let slot):
            guard let client = host.clients[slot] else { return }
            try self.withdraw(client, step.host)
        case .loseReply(let slot, let target):
            guard let client = host.clients[slot], case .logicalVolume = target,
                let box = host.boxes[Self.lockspace.id]
            else { return }
            try self.step(box, "reply lost") {
                $0.replyLost(target.name, of: client, now: self.now)
            }
        case .crash: self.crash(step.host)
        case .loseMembership: self.loseMembership(step.host)
        case .loseValueBlock(let name):
            for space in [Self.lockspace.id, .global(kind: .simulated)] {
                self.cluster.loseBlock(Resource.ID(lockspace: space, name: name))
            }
        }
        self.deliverNews()
    }

    func vanish(_ client: Client.ID, on host: UInt64) throws {
        let others = self.hosts[host]?.clients.filter { $0.value != client } ?? [:]
        self.hosts[host]?.clients = others
        for (id, action) in self.pending where action.host == host && action.client == client {
            self.pending[id] = nil
            self.orphaned.insert(id)
        }
        if self.bug == .forgetsToVanish { return }
        for box in self.hosts[host]?.boxesInOrder ?? [] {
            try self.step(box, "vanished") { $0.clientVanished(client, now: self.now) }
        }
    }

    private func withdraw(_ client: Client.ID, _ host: UInt64) throws {
        let meant = self.pending.filter { $0.value.host == host && $0.value.client == client }
        for (id, pending) in meant.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard case .lock(let target, _, _) = pending.action.operation, let box = pending.box
            else { continue }
            try self.step(box, "withdrawn") {
                $0.withdrawn(id, target.name, of: client, now: self.now)
            }
        }
    }

    private func crash(_ host: UInt64) {
        self.loseMembership(host)
        for box in self.hosts[host]?.boxesInOrder ?? [] { box.isDead = true }
        for (id, action) in self.pending where action.host == host { self.pending[id] = nil }
        self.hosts[host] = SimulatedHost(host, self.script.capabilities)
    }

    /// The host is out of its lockspaces. It hears so soon; others get its holds later.
    private func loseMembership(_ host: UInt64) {
        for box in self.hosts[host]?.boxesInOrder ?? [] {
            guard let membership = self.cluster.lose(box.id, host) else { continue }
            let delay = Duration.milliseconds(Int(self.script.seed % 10))
            self.queue.put(.lost(box, membership), at: self.now + delay)
            self.queue.put(
                .expires(box.id, host, membership), at: self.now + .milliseconds(50))
        }
    }

    private func heardOfLoss(_ box: MachineBox, _ membership: Membership.ID) throws {
        guard !box.isDead, box.machine.membership?.id == membership else { return }
        box.isLost = true
        try self.step(box, "host \(box.host) hears that it lost \(box.id)") {
            $0.membershipLost(reason: "simulated", now: self.now)
        }
    }

    private func wake(_ box: MachineBox, _ name: Resource.Name) throws {
        guard !box.isDead, let wish = box.wishes[name], wish <= self.now else { return }
        box.wishes[name] = nil
        try self.step(box, "host \(box.host): \(name) wakes") {
            $0.timePassed(for: name, now: self.now)
        }
        if let next = box.wishes[name], next <= self.now {
            throw Violation("\(name) wakes for ever")
        }
    }

    // MARK: Inputs

    /// Hands an input to a machine, does what it wants, and looks for broken rules.
    func step(
        _ box: MachineBox, _ what: @autoclosure () -> String,
        _ input: (inout LockspaceMachine) -> [Effect]
    ) throws {
        self.note(what())
        guard self.checks else {
            for effect in input(&box.machine) { try self.perform(effect, box) }
            return
        }
        let before = Snapshot(box.machine)
        let effects = input(&box.machine)
        for effect in effects { try self.perform(effect, box) }
        self.coverage.add(before, box.machine)
        try self.checkState(of: box)
        try self.checkOrder(effects, before, box)
    }
}
