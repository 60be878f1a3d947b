import Dispatch
import Glibc
import LockCore
import LockTesting

@testable import LockDLM

// How locks move, and how their owners hear of it.
extension SimulatedKernel {
    func ask(_ handle: UInt, _ address: UInt, _ request: DLMRequest) -> DLMStatus {
        self.use(address, "ask") { $0.calls += 1 }
        guard let open = self.opened[handle] else { return .notFound }
        switch request.operation {
        case .request:
            self.last += 1
            let lock = Lock(
                id: self.last, node: open.node, owner: handle, resource: request.name,
                mode: .null, number: request.lock, block: address)
            let record = Record(master: open.node)
            self.spaces[open.space]?.resources[request.name, default: record].locks.append(lock)
            self.use(address, "ask") { ($0.lock, $0.resource) = (lock.id, request.name) }
            self.complete(lock, DLMCompletion(.success))
            return .success
        case .adopt(let mode):
            return self.adopt(mode, handle, open, address, request)
        case .unlock:
            guard let (resource, index) = self.place(of: address, in: open.space) else {
                return .notFound
            }
            let untold = self.spaces[open.space]?.resources[resource]?.locks[index]
            if let untold { self.tell(untold.id, of: resource, in: open.space) }
            let lock = self.spaces[open.space]?.resources[resource]?.locks.remove(at: index)
            self.settle(resource, in: open.space)
            if let lock { self.complete(lock, DLMCompletion(.unlocked)) }
            return .success
        case .convert(let conversion):
            return self.convert(conversion, open.space, address)
        }
    }

    func adopt(
        _ mode: DLMMode, _ handle: UInt, _ open: Opened, _ address: UInt, _ request: DLMRequest
    ) -> DLMStatus {
        guard var record = self.spaces[open.space]?.resources[request.name] else {
            return .notFound
        }
        let orphans = record.locks.indices.filter {
            record.locks[$0].node == open.node && record.locks[$0].owner == nil
        }
        if orphans.isEmpty { return .notFound }
        guard let index = orphans.first(where: { record.locks[$0].mode == mode }) else {
            return .again
        }
        record.locks[index].owner = handle
        record.locks[index].number = request.lock
        record.locks[index].block = address
        self.use(address, "adopt") {
            ($0.lock, $0.resource) = (record.locks[index].id, request.name)
        }
        self.spaces[open.space]?.resources[request.name] = record
        return .success
    }

    func place(of address: UInt, in space: String) -> (String, Int)? {
        guard let block = self.blocks[address],
            let index = self.spaces[space]?.resources[block.resource]?.locks.firstIndex(where: {
                $0.id == block.lock
            })
        else { return nil }
        return (block.resource, index)
    }

    func convert(
        _ conversion: DLMConversion, _ name: String, _ address: UInt
    ) -> DLMStatus {
        guard let (resource, index) = self.place(of: address, in: name),
            var record = self.spaces[name]?.resources[resource]
        else { return .notFound }
        if record.locks[index].untold != nil {
            self.tell(record.locks[index].id, of: resource, in: name)
            return self.convert(conversion, name, address)
        }
        let lock = record.locks[index]
        if let (call, status) = self.faults[lock.node], call == conversion.call {
            self.faults[lock.node] = nil
            return status
        }
        if lock.busy > 0 || lock.converting != nil {
            self.spaces[name]?.resources[resource]?.locks[index].busy -= 1
            return .busy
        }
        record.locks[index].isPersistent = conversion.to != .null
        record.locks[index].carriesValue = conversion.carriesValue
        self.use(address, "convert") { $0.requests += 1 }
        if conversion.to.rawValue < conversion.from.rawValue {
            return self.stepDown(conversion, index, record, resource, name)
        }
        record.locks[index].converting = conversion
        let overtakes = conversion.from != .null
        let fits = record.fits(record.locks[index]) && (record.queue.isEmpty || overtakes)
        if !fits, conversion.waits { record.queue.append(lock.id) }
        if !fits, !conversion.waits { record.locks[index].converting = nil }
        self.spaces[name]?.resources[resource] = record
        if fits {
            self.grant(index, of: resource, in: name)
            self.settle(resource, in: name)
            let waiting = self.spaces[name]?.resources[resource]?.queue ?? []
            for id in waiting { self.tellHolders(of: resource, inTheWayOf: id, in: name) }
        } else if conversion.waits {
            self.tellHolders(of: resource, inTheWayOf: lock.id, in: name)
        } else {
            self.enqueue(lock, DLMCompletion(.again))
        }
        return .success
    }

    /// A step down is concluded at once; the others hear of it later, but before anything else
    /// that this node says about the lock.
    func stepDown(
        _ conversion: DLMConversion, _ index: Int, _ record: Record, _ resource: String,
        _ name: String
    ) -> DLMStatus {
        var record = record
        record.locks[index].untold = conversion
        let lock = record.locks[index]
        self.spaces[name]?.resources[resource] = record
        self.enqueue(lock, DLMCompletion(.success, value: conversion.writing ?? ValueBlock()))
        DispatchQueue.global().async {
            usleep(2000)
            self.queue.sync { self.tell(lock.id, of: resource, in: name) }
        }
        return .success
    }

    func tell(_ id: UInt, of resource: String, in name: String) {
        guard var record = self.spaces[name]?.resources[resource],
            let index = record.locks.firstIndex(where: { $0.id == id }),
            let conversion = record.locks[index].untold
        else { return }
        record.locks[index].untold = nil
        record.locks[index].mode = conversion.to
        if let value = conversion.writing {
            record.value = value
            record.isLost = false
        }
        self.spaces[name]?.resources[resource] = record
        self.settle(resource, in: name)
    }

    func grant(_ index: Int, of resource: String, in name: String) {
        guard var record = self.spaces[name]?.resources[resource],
            let conversion = record.locks[index].converting
        else { return }
        record.locks[index].mode = conversion.to
        record.locks[index].converting = nil
        record.locks[index].isTold = false
        let lock = record.locks[index]
        record.queue.removeAll { $0 == lock.id }
        if let value = conversion.writing {
            record.value = value
            record.isLost = false
        }
        self.spaces[name]?.resources[resource] = record
        // What is not handed out is what the memory held before, zero at worst.
        let value = conversion.reads ? record.value : nil
        let block = record.isLost ? nil : value ?? ValueBlock()
        self.enqueue(lock, DLMCompletion(.success, value: block))
    }

    /// Grants what waits, in order, and drops a value that nobody has interest in.
    func settle(_ resource: String, in name: String) {
        while let record = self.spaces[name]?.resources[resource], let first = record.queue.first,
            let index = record.locks.firstIndex(where: { $0.id == first }),
            record.fits(record.locks[index])
        {
            self.grant(index, of: resource, in: name)
        }
        if self.spaces[name]?.resources[resource]?.locks.isEmpty == true {
            self.spaces[name]?.resources[resource] = nil
        }
    }

    func tellHolders(of resource: String, inTheWayOf id: UInt, in name: String) {
        let locks = self.spaces[name]?.resources[resource]?.locks ?? []
        for (index, lock) in locks.enumerated()
        where lock.id != id && lock.mode != .null && !lock.isTold {
            self.spaces[name]?.resources[resource]?.locks[index].isTold = true
            guard let owner = lock.owner else { continue }
            let delivery = DLMDelivery(lock: lock.number, isBlocking: true)
            self.opened[owner]?.deliveries.append((delivery, lock.block, nil))
            self.ring(owner)
        }
    }

    func cancel(_ handle: UInt, _ address: UInt) -> DLMStatus {
        guard let open = self.opened[handle],
            let (resource, index) = self.place(of: address, in: open.space),
            var record = self.spaces[open.space]?.resources[resource]
        else { return .notFound }
        let isWaiting = record.locks[index].converting != nil
        if isWaiting {
            record.locks[index].converting = nil
            record.queue.removeAll { $0 == record.locks[index].id }
        } else {
            // Granted already. The lock's master has yet to say so to the cancel.
            record.locks[index].busy = Int(self.next() % 3)
        }
        let lock = record.locks[index]
        self.spaces[open.space]?.resources[resource] = record
        if isWaiting { self.enqueue(lock, DLMCompletion(.withdrawn)) }
        self.settle(resource, in: open.space)
        return .success
    }

    // MARK: Delivery

    /// Answers what has not been counted among the requests of the lock's block.
    func complete(_ lock: Lock, _ completion: DLMCompletion) {
        self.use(lock.block, "complete") { $0.requests += 1 }
        self.enqueue(lock, completion)
    }

    func enqueue(_ lock: Lock, _ completion: DLMCompletion) {
        guard let owner = lock.owner else { return }
        let delivery = DLMDelivery(lock: lock.number, isBlocking: false)
        self.opened[owner]?.deliveries.append((delivery, lock.block, completion))
        guard self.next() % 3 == 0 else { return self.ring(owner) }
        let pause = UInt32(self.next() % 2000)
        DispatchQueue.global().async {
            usleep(pause)
            self.queue.sync { self.ring(owner) }
        }
    }

    func ring(_ handle: UInt) {
        guard let open = self.opened[handle] else { return }
        var byte: UInt8 = 1
        _ = write(open.pipe.write, &byte, 1)
    }

    /// The kernel's answers reach the locks' blocks.
    func deliver(_ handle: UInt, _ block: (UInt) -> DLMStatusBlock?) -> [DLMDelivery] {
        guard let open = self.opened[handle] else { return [] }
        var bytes = [UInt8](repeating: 0, count: 64)
        _ = read(open.pipe.read, &bytes, bytes.count)
        let deliveries = open.deliveries.filter { block($0.0.lock)?.address == $0.1 }
        self.opened[handle]?.deliveries = []
        for (_, address, completion) in deliveries {
            self.use(address, "deliver") { block in
                guard let completion else { return }
                block.requests -= 1
                block.content = completion
            }
        }
        return deliveries.map(\.0)
    }
}

extension DLMConversion {
    /// The call that it is for.
    fileprivate var call: HostCall? {
        if self.confirms { return nil }
        if self.to == .null { return .release }
        return self.from == .null ? .acquire : .convert
    }
}
