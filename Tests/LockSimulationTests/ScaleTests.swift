import LockCore
import Testing

/// The work for an action does not depend on how many hosts and locks there are.
@Suite struct ScaleTests {
    /// What some actions cost, in inputs of machines and events of the simulation.
    private struct Cost: Equatable {
        var steps: UInt64 = 0
        var events = 0
    }

    @Test func `an action costs the same among 2,000 hosts with 100,000 locks`() throws {
        let small = try Self.cost(hosts: 4, locksPerHost: 5)
        let large = try Self.cost(hosts: 2000, locksPerHost: 50)
        #expect(small == large)
        #expect(small.steps > 0 && small.events > 0)
    }

    @Test func `an action costs the same on a host with 20,000 locks`() throws {
        let small = try Self.cost(hosts: 2, locksPerHost: 5)
        let large = try Self.cost(hosts: 2, locksPerHost: 20_000)
        #expect(small == large)
    }

    /// Takes so many locks on so many hosts, then measures a few actions on one of them.
    private static func cost(hosts: UInt64, locksPerHost: Int) throws -> Cost {
        var script = Script(seed: 1)
        script.hosts = hosts
        script.faultsPerMille = 0
        script.capabilities.waitsInQueue = true
        script.capabilities.globalLock = .inVolumeGroup
        let simulation = Simulation(script)
        simulation.checks = false
        let client = Client.ID(1)
        for host in 1...hosts {
            try simulation.ask(.start(Simulation.lockspace), .wait, client, host)
        }
        try simulation.pass(until: simulation.now + .seconds(1))
        for host in 1...hosts {
            for number in 0..<locksPerHost {
                let target = Self.volume("\(host)-\(number)")
                try simulation.ask(.lock(target, .exclusive, .forever), [], client, host)
            }
            try simulation.pass(until: simulation.now + .milliseconds(100))
        }
        let held = (1...hosts).map { simulation.machine(of: $0)?.lockCount ?? 0 }
        #expect(held.allSatisfy { $0 == locksPerHost })

        let before = Self.cost(of: simulation)
        for mode in [LockMode.exclusive, .shared] {
            let target = Self.volume("measured")
            for operation in [Action.Operation.lock(target, mode, .forever), .unlock(target)] {
                try simulation.ask(operation, [], client, 1)
                try simulation.pass(until: simulation.now + .seconds(1))
            }
        }
        let after = Self.cost(of: simulation)
        #expect(simulation.pending.isEmpty)
        return Cost(steps: after.steps - before.steps, events: after.events - before.events)
    }

    private static func cost(of simulation: Simulation) -> Cost {
        Cost(steps: simulation.machine(of: 1)?.steps ?? 0, events: simulation.events)
    }

    private static func volume(_ uuid: String) -> Action.Target {
        .logicalVolume(LogicalVolume(uuid: uuid))
    }
}

extension Simulation {
    /// The machine of a host's volume group.
    func machine(of host: UInt64) -> LockspaceMachine? {
        self.hosts[host]?.boxes[Self.lockspace.id]?.machine
    }
}
