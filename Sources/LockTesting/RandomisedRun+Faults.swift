import LockCore

// What happens to the hosts of a run.
extension RandomisedRun {
    /// Starts a host's next process and listens to its lock manager.
    func start(_ host: UInt64) async {
        let manager = await self.fixture.start(host)
        var record = HostRecord(manager: manager)
        if let earlier = self.hosts[host] {
            earlier.reader?.cancel()
            record.epoch = earlier.epoch + 1
        }
        record.reader = Task {
            for await event in manager.events { self.heard(event, on: host) }
        }
        self.hosts[host] = record
    }

    /// Joins the lockspace; tries again when that fails, for a manager may need time to recover.
    func join(_ host: UInt64, adopting: Adoption) async {
        var random = RunRandom(seed: self.configuration.seed, stream: 1 << 33)
        self.hosts[host]?.isOut = false
        for _ in 0..<100 {
            let answer = await self.call(
                .join(self.lockspace.id, adopting: adopting), of: host)
            if case .joined(let membership) = answer {
                self.hosts[host]?.membership = membership.id
                return
            }
            await self.pause(self.configuration.faultPause, &random)
        }
    }

    /// A lock manager reports something by itself.
    private func heard(_ event: LockManagerEvent, on host: UInt64) {
        guard case .lost(let reason, let certainFor) = event.what,
            self.hosts[host]?.membership == event.membership
        else { return }
        let certain = max(.zero, certainFor - self.configuration.newsDelay)
        self.recorder.record(
            .losing(event.lockspace, certainFor: certain, reason: reason), of: host)
        self.lost(event.lockspace, on: host)
    }

    /// From here on nothing is known of the host's holds.
    private func lost(_ lockspace: Lockspace.ID?, on host: UInt64) {
        self.recorder.record(.lost(lockspace), of: host)
        self.hosts[host]?.membership = nil
        self.hosts[host]?.isOut = true
        self.hosts[host]?.epoch += 1
        self.hosts[host]?.held = [:]
        self.hosts[host]?.orphans = [:]
    }

    /// Lets things go wrong and mends them, one host at a time, and in the end leaves every host
    /// able to let go of what it holds.
    func strikeFaults() async {
        var random = RunRandom(seed: self.configuration.seed, stream: 1 << 32)
        while !self.isOver {
            await self.pause(self.configuration.faultPause, &random)
            await self.rejoinLostHosts()
            await self.callBackSomebody(&random)
            guard !self.fixture.faults.isEmpty, !self.isOver else { continue }
            let fault = self.fixture.faults[random.number(below: self.fixture.faults.count)]
            let host = self.fixture.numbers[random.number(below: self.fixture.numbers.count)]
            let resource = self.resources[random.number(below: self.resources.count)].id
            await self.strike(fault, host, resource, &random)
        }
        await self.rejoinLostHosts()
        await self.callBackEverybody()
    }

    private func strike(
        _ fault: Fault, _ host: UInt64, _ resource: Resource.ID, _ random: inout RunRandom
    ) async {
        switch fault.kind {
        case .crash(let certainFor):
            self.recorder.record(
                .losing(nil, certainFor: certainFor, reason: "crashes"), of: host)
            await fault.strike(host, resource)
            self.lost(nil, on: host)
            await self.pause(self.configuration.faultPause, &random)
            await fault.mend(host)
            self.recorder.record(.restarted(keepsHolds: true), of: host)
            await self.start(host)
            await self.join(host, adopting: .none)
        case .restart(let keepsHolds):
            await self.restart(fault, host, resource, keepsHolds: keepsHolds, &random)
        case .loss(let certainFor):
            guard self.hosts[host]?.membership != nil else { return }
            let lockspace = self.lockspace.id
            self.recorder.record(
                .losing(lockspace, certainFor: certainFor, reason: "a fault strikes"), of: host)
            await fault.strike(host, resource)
            self.lost(lockspace, on: host)
            await self.pause(self.configuration.faultPause, &random)
            await fault.mend(host)
        case .disturbance:
            await fault.strike(host, resource)
            await self.pause(self.configuration.faultPause, &random)
            await fault.mend(host)
        case .lostValueBlock:
            self.recorder.record(.losingValueBlock(resource), of: host)
            await fault.strike(host, resource)
            self.recorder.record(.lostValueBlock(resource), of: host)
        }
    }

    /// Another process follows at once, and finds what the earlier one held, or nothing.
    private func restart(
        _ fault: Fault, _ host: UInt64, _ resource: Resource.ID, keepsHolds: Bool,
        _ random: inout RunRandom
    ) async {
        guard self.hosts[host]?.membership != nil else { return }
        let orphans = keepsHolds ? self.hosts[host]?.held ?? [:] : [:]
        self.hosts[host]?.membership = nil
        self.hosts[host]?.epoch += 1
        self.recorder.record(.restarted(keepsHolds: keepsHolds), of: host)
        await fault.strike(host, resource)
        await fault.mend(host)
        await self.start(host)
        self.hosts[host]?.orphans = orphans
        await self.join(host, adopting: keepsHolds ? .allowed : .none)
        if keepsHolds, random.happens(50) { await self.purge(host) }
    }

    // MARK: Ends of waits

    private func rejoinLostHosts() async {
        for host in self.fixture.numbers where self.hosts[host]?.membership == nil {
            _ = await self.call(.leave(self.lockspace.id), of: host)
            await self.join(host, adopting: .none)
        }
    }

    private func callBackSomebody(_ random: inout RunRandom) async {
        let host = self.fixture.numbers[random.number(below: self.fixture.numbers.count)]
        let resource = self.resources[random.number(below: self.resources.count)].id
        guard let id = self.waiting[host]?[resource] else { return }
        await self.callBack(id, resource, of: host)
    }

    /// Whoever still waits when the run ends is called back, again and again: a call may not have
    /// reached the queue yet.
    private func callBackEverybody() async {
        var random = RunRandom(seed: self.configuration.seed, stream: 1 << 34)
        while self.waiting.values.contains(where: { !$0.isEmpty }) {
            for (host, calls) in self.waiting {
                for (resource, id) in calls { await self.callBack(id, resource, of: host) }
            }
            await self.pause(self.configuration.longestPause, &random)
        }
    }
}
