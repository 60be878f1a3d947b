import Dispatch
import Glibc
import LockCore
import LockTesting

@testable import LockDLM

/// A DLM in memory, as several nodes see it through libdlm: lock queues, value blocks, orphans,
/// answers that come late, or even before libdlm's call has returned; and what libdlm does with
/// the memory of a lock. Using memory that was freed is written down in ``misuse``.
final class SimulatedKernel: @unchecked Sendable {
    struct Lock {
        let id: UInt
        let node: Int
        /// The open lockspace it belongs to; nil for an orphan.
        var owner: UInt?
        let resource: String
        var mode: DLMMode
        var number: UInt = 0
        var block: UInt
        var converting: DLMConversion?
        var isPersistent = false
        /// Its last request had to do with the value block.
        var carriesValue = true
        /// A step down that the other nodes have not heard of.
        var untold: DLMConversion?
        /// The owner was told, since its last grant, that it is in the way; or would have been.
        var isTold = false
        /// Requests are refused as busy so many times.
        var busy = 0
    }

    struct Space {
        var members: Set<Int> = []
        var resources: [String: Record] = [:]
    }

    /// What the nodes make of one resource.
    struct Record {
        /// In the order in which they came.
        var locks: [Lock] = []
        var queue: [UInt] = []
        var value: ValueBlock?
        var isLost = false
        /// The node that keeps the queue and the value.
        var master: Int

        func fits(_ lock: Lock) -> Bool {
            let mode = lock.converting?.to ?? lock.mode
            return self.locks.allSatisfy { other in
                other.id == lock.id || other.mode == .null || mode == .null
                    || (other.mode == .shared && mode == .shared)
            }
        }

        /// The master has gone. What the others have of the resource tells what the value was.
        mutating func recover() {
            guard let heir = self.locks.first else { return }
            self.master = heir.node
            for index in self.locks.indices {
                // What only the old master was told is as the others have it.
                self.locks[index].mode = self.locks[index].untold?.to ?? self.locks[index].mode
                self.locks[index].untold = nil
            }
            let carriers = self.locks.filter(\.carriesValue)
            if carriers.isEmpty { self.value = nil }
            self.isLost = !carriers.isEmpty && carriers.allSatisfy { $0.mode == .null }
        }
    }

    struct Opened {
        let node: Int
        let space: String
        let pipe: (read: Int32, write: Int32)
        var deliveries: [(DLMDelivery, UInt, DLMCompletion?)] = []
    }

    struct Block {
        /// Calls of libdlm that have not returned.
        var calls = 0
        /// Requests that have not been answered.
        var requests = 0
        var lock: UInt = 0
        var resource = ""
        var content = DLMCompletion(.success)
    }

    let queue = DispatchQueue(label: "simulated kernel")
    var random: UInt64
    var last: UInt = 0
    var blocks: [UInt: Block] = [:]
    var opened: [UInt: Opened] = [:]
    var spaces: [String: Space] = [:]
    var faults: [Int: (HostCall, DLMStatus)] = [:]
    private var stopped = false
    private var blockedCalls = 0
    /// Ends of pipes that their watchers have not let go.
    private var pipes: [UInt: (read: Int32, write: Int32)] = [:]
    private var problems: [String] = []

    init(seed: UInt64 = 1) { self.random = seed }

    // MARK: For tests

    /// What libdlm's users must not do.
    var misuse: [String] { self.queue.sync { self.problems } }
    /// Blocks that were not freed.
    var blocksInUse: Int { self.queue.sync { self.blocks.count } }
    /// Requests that wait in the kernel's queues.
    var waiting: Int {
        self.queue.sync {
            self.spaces.values.flatMap(\.resources.values).map(\.queue.count).reduce(0, +)
        }
    }

    /// Lets the node's next conversion of that kind fail.
    func fail(_ call: HostCall, on node: Int, _ status: DLMStatus) {
        self.queue.sync { self.faults[node] = (call, status) }
    }

    /// Calls that do not return because lockspaces are stopped.
    var blocked: Int { self.queue.sync { self.blockedCalls } }

    /// Stops every lockspace, as without quorum, or lets them go on.
    func stop(_ isStopped: Bool) { self.queue.sync { self.stopped = isStopped } }

    /// The node's process has ended: what is persistent stays.
    func processEnded(_ node: Int) {
        self.queue.sync {
            for (handle, open) in self.opened where open.node == node { self.end(handle) }
        }
    }

    /// The node's power is cut.
    func crash(_ node: Int) {
        self.queue.sync {
            for (handle, open) in self.opened where open.node == node { self.end(handle) }
            for name in self.spaces.keys {
                self.drop(in: name, leaving: node) { $0.node == node }
                self.spaces[name]?.members.remove(node)
            }
        }
    }

    func lockspaces(of node: Int) -> [String: Int] {
        self.queue.sync {
            self.spaces.filter { $0.value.members.contains(node) }.mapValues(\.members.count)
        }
    }

    // MARK: libdlm

    func calls(_ node: Int) -> DLMCalls {
        DLMCalls(
            kernelVersion: { .success(DLMKernelVersion(major: 6, minor: 0, patch: 2)) },
            create: { name in self.queue.sync { self.open(name, node, isNew: true) } },
            open: { name in self.queue.sync { self.open(name, node, isNew: false) } },
            release: { name, space in self.blocking { self.release(name, space.rawValue) } },
            close: { space in
                self.queue.sync {
                    self.end(space.rawValue)
                    self.closePipe(of: space.rawValue)
                }
            },
            descriptor: { space in
                self.queue.sync { self.opened[space.rawValue]?.pipe.read ?? -1 }
            },
            makeBlock: {
                self.queue.sync {
                    self.last += 1
                    self.blocks[self.last] = Block()
                    return DLMStatusBlock(address: self.last)
                }
            },
            freeBlock: { block in self.queue.sync { self.free(block.address) } },
            read: { block in
                self.queue.sync {
                    self.use(block.address, "read") { $0.content } ?? DLMCompletion(.success)
                }
            },
            ask: { space, block, request in
                let status = self.blocking {
                    self.ask(space.rawValue, block.address, request)
                }
                // The kernel has it, and libdlm goes on with the block.
                usleep(self.queue.sync { UInt32(self.next() % 2) * UInt32(self.next() % 2000) })
                self.queue.sync { self.returned(block.address) }
                return status
            },
            cancel: { space, block in
                self.blocking { self.cancel(space.rawValue, block.address) }
            },
            purge: { space in self.blocking { self.purge(space.rawValue) } },
            deliver: { space, block in
                self.queue.sync { self.deliver(space.rawValue, block) }
            })
    }

    /// Writes wait while lockspaces are stopped.
    private func blocking<Answer>(_ body: () -> Answer) -> Answer {
        var isBlocked = false
        while true {
            let answer: Answer? = self.queue.sync {
                if self.stopped != isBlocked {
                    isBlocked = self.stopped
                    self.blockedCalls += isBlocked ? 1 : -1
                }
                return isBlocked ? nil : body()
            }
            if let answer { return answer }
            usleep(1000)
        }
    }

    func next() -> UInt64 {
        self.random ^= self.random << 13
        self.random ^= self.random >> 7
        self.random ^= self.random << 17
        return self.random
    }

    // MARK: Memory

    @discardableResult
    func use<Answer>(
        _ address: UInt, _ what: String, _ body: (inout Block) -> Answer
    ) -> Answer? {
        guard self.blocks[address] != nil else {
            self.problems.append("\(what): block \(address) was freed")
            return nil
        }
        return body(&self.blocks[address, default: Block()])
    }

    private func returned(_ address: UInt) {
        self.use(address, "return") { $0.calls -= 1 }
    }

    private func free(_ address: UInt) {
        guard let block = self.blocks.removeValue(forKey: address) else {
            return self.problems.append("free: block \(address) was freed before")
        }
        if block.calls > 0 { self.problems.append("free: a call uses block \(address)") }
        let isOpen = self.spaces.values.contains { space in
            space.resources[block.resource]?.locks.contains {
                $0.block == address && $0.owner != nil
            } ?? false
        }
        if isOpen || block.requests > 0 {
            self.problems.append("free: the kernel answers to block \(address)")
        }
    }

    // MARK: Lockspaces

    private func open(_ name: String, _ node: Int, isNew: Bool) -> DLMCalls.Opening {
        let isMember = self.spaces[name]?.members.contains(node) ?? false
        if isNew == isMember { return .failure(DLMFailure(isNew ? .exists : .notFound)) }
        self.spaces[name, default: Space()].members.insert(node)
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        self.last += 1
        self.opened[self.last] = Opened(node: node, space: name, pipe: (ends[0], ends[1]))
        self.pipes[self.last] = (ends[0], ends[1])
        return .success(DLMLockspaceID(rawValue: self.last))
    }

    private func end(_ handle: UInt) {
        guard let open = self.opened.removeValue(forKey: handle) else { return }
        for (_, block, _) in open.deliveries { self.blocks[block]?.requests -= 1 }
        for (name, record) in self.spaces[open.space]?.resources ?? [:] {
            var record = record
            for index in record.locks.indices where record.locks[index].owner == handle {
                let lock = record.locks[index]
                if lock.converting != nil { self.blocks[lock.block]?.requests -= 1 }
                record.queue.removeAll { $0 == lock.id }
                record.locks[index].converting = nil
                if lock.isPersistent { record.locks[index].owner = nil }
            }
            self.spaces[open.space]?.resources[name] = record
        }
        self.drop(in: open.space) { $0.owner == handle }
    }

    private func closePipe(of handle: UInt) {
        guard let pipe = self.pipes.removeValue(forKey: handle) else { return }
        close(pipe.read)
        close(pipe.write)
    }

    private func release(_ name: String, _ handle: UInt) -> DLMStatus {
        let node = self.opened[handle]?.node
        self.end(handle)
        self.closePipe(of: handle)
        guard let node else { return .notFound }
        self.drop(in: name, leaving: node) { $0.node == node }
        self.spaces[name]?.members.remove(node)
        if self.spaces[name]?.members.isEmpty == true { self.spaces[name] = nil }
        return .success
    }

    /// Ends locks without a word; a writer that dies takes the value along.
    private func drop(
        in name: String, leaving node: Int? = nil, where isMeant: (Lock) -> Bool
    ) {
        for (resource, record) in self.spaces[name]?.resources ?? [:] {
            let dropped = record.locks.filter(isMeant)
            guard !dropped.isEmpty || record.master == node else { continue }
            var record = record
            if dropped.contains(where: { $0.mode == .exclusive }) { record.isLost = true }
            record.locks.removeAll(where: isMeant)
            record.queue.removeAll { id in dropped.contains { $0.id == id } }
            if record.master == node { record.recover() }
            self.spaces[name]?.resources[resource] = record
            self.settle(resource, in: name)
        }
    }

    private func purge(_ handle: UInt) -> DLMStatus {
        guard let open = self.opened[handle] else { return .notFound }
        self.drop(in: open.space) { $0.node == open.node && $0.owner == nil }
        return .success
    }
}
