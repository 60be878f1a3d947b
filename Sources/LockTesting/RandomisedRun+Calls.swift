import LockCore

// What the hosts of a run do to their resources.
extension RandomisedRun {
    /// One resource of one host, as its user knows it.
    private struct Use {
        var host: UInt64
        var resource: Resource
        /// What is known holds for this membership of the host.
        var epoch: Int
        var version: UInt32 = 0
    }

    /// Takes and releases a resource on a host, over and over.
    func use(_ resource: Resource, on host: UInt64, _ random: RunRandom) async {
        var random = random
        var use = Use(host: host, resource: resource, epoch: -1)
        while !self.isOver {
            await self.pause(self.configuration.longestPause, &random)
            guard let record = self.hosts[host] else { continue }
            guard record.membership != nil else {
                if record.isOut, random.happens(20) { await self.askInVain(resource, host) }
                continue
            }
            if use.epoch != record.epoch {
                use = Use(host: host, resource: resource, epoch: record.epoch)
            }
            if self.held(use) == .unlocked {
                await self.acquire(&use, &random)
            } else if random.happens(30) {
                await self.convert(&use, &random)
            } else if random.happens(70) {
                await self.release(&use, &random)
            }
        }
        if self.isCurrent(use), self.held(use) != .unlocked { await self.release(&use, &random) }
    }

    /// Asks although the host is out of the lockspace, which no lock manager may grant.
    private func askInVain(_ resource: Resource, _ host: UInt64) async {
        let request = History.Request.acquire(resource.id, .exclusive, AcquireOptions())
        _ = await self.call(request, of: host, about: resource)
    }

    private func isCurrent(_ use: Use) -> Bool {
        self.hosts[use.host]?.epoch == use.epoch
    }

    private func held(_ use: Use) -> LockMode {
        self.hosts[use.host]?.held[use.resource.id] ?? .unlocked
    }

    private func acquire(_ use: inout Use, _ random: inout RunRandom) async {
        guard let manager = self.hosts[use.host]?.manager else { return }
        var mode: LockMode = random.happens(50) ? .exclusive : .shared
        var options = AcquireOptions(
            waiting: manager.capabilities.waitsInQueue && random.happens(60))
        if let orphan = self.hosts[use.host]?.orphans.removeValue(forKey: use.resource.id) {
            options = AcquireOptions(adopting: .required)
            mode = orphan
        }
        let request = History.Request.acquire(use.resource.id, mode, options)
        let answer = await self.call(request, of: use.host, about: use.resource)
        guard self.isCurrent(use) else { return }
        switch answer {
        case .outcome(.granted(let grant)):
            self.hosts[use.host]?.held[use.resource.id] = mode
            use.version = grant.value.version ?? use.version
        case .outcome(.orphanInOtherMode):
            await self.purge(use.host)
        case .failed(let error) where error.code == .orphanInTheWay:
            await self.purge(use.host)
        case .failed(let error) where error.hold == .unknown:
            _ = await self.call(.release(use.resource.id, writing: nil), of: use.host)
        default: break
        }
    }

    /// Drops what an earlier process of the host left behind.
    func purge(_ host: UInt64) async {
        self.hosts[host]?.orphans = [:]
        _ = await self.call(.purge(self.lockspace.id), of: host)
    }

    private func convert(_ use: inout Use, _ random: inout RunRandom) async {
        let mode: LockMode = self.held(use) == .exclusive ? .shared : .exclusive
        let value = self.valueToWrite(use, &random)
        let request = History.Request.convert(use.resource.id, to: mode, writing: value)
        let answer = await self.call(request, of: use.host)
        guard self.isCurrent(use) else { return }
        switch answer {
        case .outcome(.granted(let grant)):
            self.hosts[use.host]?.held[use.resource.id] = mode
            use.version = grant.value.version ?? value?.resourceVersion ?? use.version
        case .failed(let error) where error.hold == .unknown:
            self.hosts[use.host]?.held[use.resource.id] = .shared
        default: break
        }
    }

    private func release(_ use: inout Use, _ random: inout RunRandom) async {
        let value = self.valueToWrite(use, &random)
        self.hosts[use.host]?.held[use.resource.id] = nil
        _ = await self.call(.release(use.resource.id, writing: value), of: use.host)
        if random.happens(10), self.isCurrent(use) {
            _ = await self.call(.forget(use.resource.id), of: use.host)
        }
    }

    private func valueToWrite(_ use: Use, _ random: inout RunRandom) -> ValueBlock? {
        guard self.held(use) == .exclusive, random.happens(80) else { return nil }
        return ValueBlock(
            format: ValueBlock.currentFormat, resourceVersion: use.version &+ 1)
    }

    // MARK: Calls

    /// Makes a call and records it with its answer.
    func call(
        _ request: History.Request, of host: UInt64, about resource: Resource? = nil
    ) async -> History.Answer {
        guard let manager = self.hosts[host]?.manager else {
            return .failed(LockManagerError(.managerUnavailable, doing: "\(request)"))
        }
        self.countCall()
        let id = self.recorder.asked(request, of: host)
        let answer: History.Answer
        if case .acquire(let name, let mode, let options) = request, options.waiting {
            answer = await self.wait(
                id, resource ?? Resource(name), mode, options, host, manager)
        } else {
            answer = await Self.perform(request, about: resource, manager, self.place(of: host))
        }
        self.recorder.record(.answered(id, answer), of: host)
        return answer
    }

    /// Waits in the manager's queue. While it does, the call can be called back.
    private func wait(
        _ id: History.CallID, _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions,
        _ host: UInt64, _ manager: any LockManager
    ) async -> History.Answer {
        self.waiting[host, default: [:]][resource.id] = id
        let request = History.Request.acquire(resource.id, mode, options)
        let lockspace = self.place(of: host)
        // Runs at once, up to its first real suspension.
        let task = Task.immediate { () -> History.Answer in
            let answer = await Self.perform(request, about: resource, manager, lockspace)
            self.waiting[host]?[resource.id] = nil
            return answer
        }
        if self.waiting[host]?[resource.id] == id, self.configuration.queuesAtOnce {
            self.recorder.record(.queued(id), of: host)
        }
        if self.isOver { await self.callBack(id, resource.id, of: host) }
        return await task.value
    }

    /// Ends an acquire's wait, if it still waits.
    func callBack(_ id: History.CallID, _ resource: Resource.ID, of host: UInt64) async {
        guard self.waiting[host]?[resource] == id, let manager = self.hosts[host]?.manager else {
            return
        }
        self.recorder.record(.cancelled(id), of: host)
        await manager.cancelAcquire(resource)
    }

    /// The lockspace, with the host's number in it.
    private func place(of host: UInt64) -> Lockspace {
        var lockspace = self.lockspace
        lockspace.hostID = lockspace.hostID ?? UInt32(host)
        return lockspace
    }

    private static func perform(
        _ request: History.Request, about resource: Resource?, _ manager: any LockManager,
        _ lockspace: Lockspace
    ) async -> History.Answer {
        do throws(LockManagerError) {
            switch request {
            case .join(_, let adopting):
                let options = JoinOptions(adopting: adopting)
                let prepared = try await manager.prepare(lockspace, options)
                return .joined(try await manager.join(prepared, options))
            case .leave(let id): try await manager.leave(id, .stopped)
            case .acquire(let id, let mode, let options):
                return .outcome(
                    try await manager.acquire(resource ?? Resource(id), mode, options))
            case .convert(let id, let mode, let value):
                return .outcome(try await manager.convert(id, to: mode, writing: value))
            case .release(let id, let value): try await manager.release(id, writing: value)
            case .forget(let id): await manager.forget(id)
            case .purge(let id): try await manager.purgeOrphans(in: id)
            }
            return .done
        } catch {
            return .failed(error)
        }
    }
}

extension ValueBlockReading {
    var version: UInt32? {
        if case .value(let block) = self { block.resourceVersion } else { nil }
    }
}
