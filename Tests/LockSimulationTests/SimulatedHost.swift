import LockCore

/// One lockspace of a simulated host, as a runner would keep it.
final class MachineBox {
    let host: UInt64
    let id: Lockspace.ID
    var machine: LockspaceMachine
    /// The host has crashed since: nobody listens any more.
    var isDead = false
    /// The host was told that it lost its membership.
    var isLost = false
    /// Calls that the manager has not answered. At most one for each resource.
    var underWay: [Resource.Name: SimulatedCluster.CallID] = [:]
    /// Resources whose waiting acquire was called back.
    var cancelled: Set<Resource.Name> = []
    /// Resources whose last acquire failed so that the hold is unknown.
    var unclear: Set<Resource.Name> = []
    /// When the machine wants to be woken.
    var wishes: [Resource.Name: Duration] = [:]
    /// How many calls each resource has made, from which the fate of the next follows.
    var callCounts: [Resource.Name: UInt64] = [:]
    var hasAskedToLeave = false

    init(_ host: UInt64, _ lockspace: Lockspace, _ capabilities: LockManagerCapabilities) {
        self.host = host
        self.id = lockspace.id
        self.machine = LockspaceMachine(lockspace, capabilities, JoinOptions(), salt: host)
    }
}

/// A simulated host: what a service would keep of it.
struct SimulatedHost {
    let number: UInt64
    var globalLock: GlobalLockMachine
    /// The lockspaces that have not ended.
    var boxes: [Lockspace.ID: MachineBox] = [:]
    /// Who is connected, by the script's number.
    var clients: [Int: Client.ID] = [:]
    var lastClient: UInt32 = 0
    /// How the host's copy of each resource's data stands.
    var copies: [Resource.ID: DataCopy] = [:]

    init(_ number: UInt64, _ capabilities: LockManagerCapabilities) {
        self.number = number
        self.globalLock = GlobalLockMachine(managers: [
            GlobalLockMachine.Manager(kind: .simulated, placement: capabilities.globalLock)
        ])
    }

    var boxesInOrder: [MachineBox] {
        self.boxes.values.sorted { $0.id.name < $1.id.name }
    }

    /// The connected client of that number; a new one if the last is gone.
    mutating func client(_ slot: Int) -> Client.ID {
        if let client = self.clients[slot] { return client }
        self.lastClient += 1
        let client = Client.ID(self.lastClient)
        self.clients[slot] = client
        return client
    }
}

/// Which state of the protected data a host has, and how often news of it had been lost by then.
struct DataCopy: Hashable {
    var data: Int
    var losses: Int
}

extension LockManagerKind {
    static let simulated = LockManagerKind(rawValue: "simulated")
}

/// A rule that was broken.
struct Violation: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
