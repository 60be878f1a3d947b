import LockCore

/// What a lock carries from one holder to the next.
extension LockManagerRule {
    static let valueBlock: [LockManagerRule] = [
        LockManagerRule(
            "value/fresh", "a block that was never written reads as zero", needs: [.valueBytes],
            hosts: 1
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.reads(ValueBlock(), of: volume, as: .exclusive)
        },
        LockManagerRule(
            "value/release", "what a release publishes, the next holder reads, in either mode",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let block = ValueBlock(
                format: ValueBlock.currentFormat, flags: .removed, resourceVersion: 0x0102_0304)
            try await run.first.take(volume, .exclusive)
            try await run.first.release(volume, writing: block)
            try await run.second.reads(block, of: volume, as: .shared)
            try await run.second.reads(block, of: volume, as: .exclusive)
        },
        LockManagerRule(
            "value/conversion", "what a conversion to shared publishes, those who share read",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.take(volume, .exclusive)
            try await run.first.convert(volume, to: .shared, writing: .version(7))
            try await run.second.reads(.version(7), of: volume, as: .shared)
            try await run.first.release(volume)
            try await run.second.reads(.version(7), of: volume, as: .shared)
        },
        LockManagerRule(
            "value/converted-up", "a conversion to exclusive reads the block, too",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.second.reads(ValueBlock(), of: volume, as: .shared)
            try await run.first.writes(.version(7), to: volume)
            try await run.second.take(volume, .shared)
            let grant = try await run.second.convert(volume, to: .exclusive)
            try run.second.expectReading(.value(.version(7)), grant)
        },
        LockManagerRule(
            "value/kept", "a holder that publishes nothing leaves the block as it was",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.writes(.version(7), to: volume)
            try await run.second.reads(.version(7), of: volume, as: .exclusive)
            try await run.second.take(volume, .exclusive)
            try await run.second.convert(volume, to: .shared)
            try await run.second.release(volume)
            try await run.first.reads(.version(7), of: volume, as: .shared)
        },
        LockManagerRule(
            "value/forward", "a block never goes back, whichever host writes",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            var block = ValueBlock()
            // Interest from beginning to end: until somebody has it, no block need be kept.
            for host in run.hosts { try await host.reads(block, of: volume, as: .shared) }
            for version in 1...8 as ClosedRange<UInt32> {
                let host = run.hosts[Int(version) % 2]
                try host.expectReading(.value(block), await host.take(volume, .exclusive))
                block = .version(version)
                try await host.release(volume, writing: block)
            }
            try await run.first.reads(block, of: volume, as: .shared)
        },
        LockManagerRule(
            "value/own", "each resource has a block of its own", needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            let other = try await run.makeVolume("lv-2")
            try await run.first.writes(.version(7), to: volume)
            try await run.second.reads(ValueBlock(), of: other, as: .shared)
        },
        LockManagerRule(
            "value/removed-group", "nothing published is found by a later group of the same name",
            needs: [.valueBytes]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.writes(.version(7), to: volume)
            try await run.second.leave(run.group)
            try await run.first.leave(run.group, .removed)
            let again = try await run.makeVolumeGroup()
            for host in run.hosts { try await host.join(again) }
            let volumeAgain = try await run.makeVolume("lv-1", in: again)
            try await run.second.reads(ValueBlock(), of: volumeAgain, as: .shared)
        },
        LockManagerRule(
            "value/after-death",
            "when a writer dies, the block is the last one published, zero, or known to be lost",
            needs: [.valueBytes, .hosts(.crash)]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.second.reads(ValueBlock(), of: volume, as: .shared)
            for version in 1...2 as ClosedRange<UInt32> {
                try await run.first.writes(.version(version), to: volume)
            }
            try await run.first.take(volume, .exclusive)
            try await run.first.crash()
            let value = try await run.second.takesSoon(volume, .exclusive).value
            try run.expect(
                [.value(.version(2)), .value(ValueBlock()), .changed].contains(value),
                "the block of version 2, zero, or changed", happened: RuleWords.describe(value))
        },
        LockManagerRule(
            "value/stamp", "a change stamp tells whether another host wrote since",
            needs: [.changeStamp]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.writes(.version(1), to: volume)
            try run.first.expectReading(
                .unchanged, await run.first.take(volume, .exclusive))
            try await run.first.release(volume)
            try await run.second.take(volume, .exclusive)
            try await run.second.release(volume)
            try run.first.expectReading(.unchanged, await run.first.take(volume, .shared))
            try await run.first.release(volume)
            try await run.second.writes(.version(2), to: volume)
            try run.first.expectReading(.changed, await run.first.take(volume, .shared))
        },
        LockManagerRule(
            "value/stamp-of-stranger", "a host that never held it is not told that it is unchanged",
            needs: [.changeStamp]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            try await run.first.writes(.version(1), to: volume)
            let value = try await run.second.take(volume, .shared).value
            try run.expect(
                value == .unknown || value == .changed, "changed or unknown",
                happened: RuleWords.describe(value))
        },
        LockManagerRule(
            "value/none", "without a value block, no grant claims to know anything",
            needs: [.noValueBlock]
        ) { run throws(RuleStop) in
            let volume = try await run.joinAll()
            for mode in [LockMode.exclusive, .shared, .exclusive] {
                let grant = try await run.first.take(volume, mode)
                try run.first.expectReading(.unknown, grant)
                try await run.first.release(volume)
            }
        },
    ]
}

extension RuleHost {
    /// Acquires it, finds that block, and releases it.
    func reads(
        _ block: ValueBlock, of resource: Resource, as mode: LockMode
    ) async throws(RuleStop) {
        try self.expectReading(.value(block), await self.take(resource, mode))
        try await self.release(resource)
    }

    /// Publishes a block.
    func writes(_ block: ValueBlock, to resource: Resource) async throws(RuleStop) {
        try await self.take(resource, .exclusive)
        try await self.release(resource, writing: block)
    }

    func expectReading(_ expected: ValueBlockReading, _ grant: Grant) throws(RuleStop) {
        guard grant.value == expected else {
            throw .broken(
                expected: RuleWords.describe(expected),
                happened: RuleWords.describe(grant.value))
        }
    }
}

extension ValueBlock {
    static func version(_ version: UInt32) -> ValueBlock {
        ValueBlock(format: Self.currentFormat, resourceVersion: version)
    }
}
