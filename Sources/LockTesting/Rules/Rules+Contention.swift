import LockCore

/// Who is in the way, for managers that can tell.
extension LockManagerRule {
    static let contention: [LockManagerRule] = [
        LockManagerRule(
            "contention/owner", "a refused request names the host in the way", needs: [.owners]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let asked: [(LockMode, [LockMode])] = [
                (.exclusive, [.shared, .exclusive]), (.shared, [.exclusive]),
            ]
            for (held, modes) in asked {
                try await run.first.take(volume, held)
                for mode in modes {
                    let contention = try await run.second.isRefused(volume, mode)
                    try run.expectOwner(run.first, in: contention)
                }
                try await run.first.release(volume)
            }
        },
        LockManagerRule(
            "contention/owner-of-conversion", "a refused conversion names the host in the way",
            needs: [.owners]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .shared)
            try await run.second.take(volume, .shared)
            let contention = try await run.first.isRefusedConversion(volume, to: .exclusive)
            try run.expectOwner(run.second, in: contention)
        },
        LockManagerRule(
            "contention/holders", "those who hold a resource are listed, and nobody else",
            needs: [.owners], hosts: 3
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.expectHolders([], of: volume)
            try await run.first.take(volume, .shared)
            try await run.second.take(volume, .shared)
            try await run.expectHolders([run.first, run.second], of: volume)
            try await run.first.release(volume)
            try await run.expectHolders([run.second], of: volume)
        },
        LockManagerRule(
            "contention/holders-untouched", "listing the holders changes no hold"
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.exclusive, .shared] {
                try await run.first.take(volume, mode)
                for host in run.hosts { _ = try await host.holders(of: volume) }
                if mode == .exclusive {
                    try await run.second.findsTaken(volume)
                } else {
                    try await run.second.findsShared(volume)
                }
                try await run.first.release(volume)
            }
            _ = try await run.second.holders(of: volume)
            try await run.first.findsFree(volume)
        },
    ]
}

extension RuleHost {
    /// Who holds the resource; nil where the manager cannot tell.
    func holders(of resource: Resource) async throws(RuleStop) -> [Host]? {
        try await self.succeed("list the holders of \(resource.id.name)") {
            manager throws(LockManagerError) in try await manager.holders(of: resource)
        }
    }
}

extension RuleRun {
    fileprivate func expectOwner(
        _ host: RuleHost, in contention: Contention
    ) throws(RuleStop) {
        let membership = try host.membership(in: self.group)
        try self.expect(
            contention.owner?.id == membership.hostID
                && contention.owner?.generation == membership.generation,
            "the owner host number \(membership.hostID), generation \(membership.generation)",
            happened: contention.owner.map { RuleWords.describe($0) } ?? "no owner")
    }

    fileprivate func expectHolders(
        _ hosts: [RuleHost], of resource: Resource
    ) async throws(RuleStop) {
        guard let holders = try await self.third.holders(of: resource) else {
            throw .notApplicable("the manager does not list holders")
        }
        var numbers: Set<UInt64> = []
        for host in hosts { numbers.insert(try host.membership(in: self.group).hostID) }
        try self.expect(
            Set(holders.map(\.id)) == numbers && holders.count == numbers.count,
            "the host numbers \(numbers.sorted())", happened: RuleWords.describe(holders))
    }
}
