#if Sanlock
import Glibc
import LockCore

extension SanlockLockspace {
    func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        // The words are only put together for who gets to read them.
        var doing: String { "acquire \(resource.id.name) in \(self.id)" }
        var record = try self.plan.lease(of: resource, doing)
        record.setMode(mode)
        let (name, wanted) = (resource.id.name, record)
        let connection = try self.state.with { state throws(LockManagerError) in
            try state.checkMember(doing)
            return state.beginHold(name, wanted)
        }
        do throws(SanlockStatus) {
            let acquired = try await self.ask(connection, wanted, options)
            self.state.with { $0.granted(name) }
            return .granted(self.grant(acquired))
        } catch {
            return try await self.acquireFailed(error, name, wanted, options, doing)
        }
    }

    private func ask(
        _ connection: Int, _ record: ResourceRecord, _ options: AcquireOptions
    ) async throws(SanlockStatus) -> SanlockConnection.Acquired {
        let flags = AcquireFlags(options.adopting, valueBlocks: self.configuration.valueBlocks)
        let (valueBytes, tellingVersion) = (self.valueBytes, self.tellsVersion(record))
        do throws(SanlockStatus) {
            return try await self.call(connection) {
                connection async throws(SanlockStatus) in
                try await connection.acquire(
                    record, flags, valueBytes: valueBytes, tellingVersion: tellingVersion)
            }
        } catch {
            guard error.isCorruption && options.repairing else { throw error }
            var lease = record
            lease.flags.formIntersection(.sizes)
            try await self.write(lease)
        }
        return try await self.call(connection) { connection async throws(SanlockStatus) in
            try await connection.acquire(
                record, flags, valueBytes: valueBytes, tellingVersion: tellingVersion)
        }
    }

    private func write(_ lease: ResourceRecord) async throws(SanlockStatus) {
        let calls = self.calls
        try await self.housekeeping.run { () throws(SanlockStatus) in
            try calls.writeResource(lease, [])
        }
    }

    /// Bytes of a value block; 0 where there is none.
    var valueBytes: Int { self.configuration.valueBlocks ? ValueBlock.storedByteCount : 0 }

    /// Only exclusive grants carry a token.
    func tellsVersion(_ record: ResourceRecord) -> Bool {
        self.configuration.fencingTokens && !record.flags.contains(.shared)
    }

    func grant(_ acquired: SanlockConnection.Acquired) -> Grant {
        let value = acquired.value.flatMap(ValueBlock.init(stored:))
        return Grant(
            id: self.nextGrant(), value: value.map(ValueBlockReading.value) ?? .unknown,
            token: acquired.version.map(FencingToken.init(rawValue:)))
    }

    // MARK: Not granted

    private func acquireFailed(
        _ status: SanlockStatus, _ name: Resource.Name, _ record: ResourceRecord,
        _ options: AcquireOptions, _ doing: String
    ) async throws(LockManagerError) -> AcquireOutcome {
        switch status {
        case .errno(EUCLEAN) where options.adopting != .none:
            self.drop(name)
            return .orphanInOtherMode
        case .errno(ENOENT) where options.adopting == .required:
            self.drop(name)
            return .noOrphan
        case .errno(EEXIST):
            // Another process of this host has it, or one that ends at this moment.
            self.drop(name)
            return .contended(Contention(owner: await self.localOwner()))
        case _ where status.isContention:
            let contention = await self.contention(over: record, status)
            self.drop(name)
            return .contended(contention)
        default:
            throw await self.failure(status, name, record, doing)
        }
    }

    private func failure(
        _ status: SanlockStatus, _ name: Resource.Name, _ record: ResourceRecord,
        _ doing: String
    ) async -> LockManagerError {
        if name == .global && status.rawValue == Self.wrongName {
            self.drop(name)
            return await self.globalLockFailure(status, record, doing)
        }
        let error = status.error(doing)
        switch error.layer {
        case .daemon:
            self.loseDaemon()
        case .storage where !status.isCorruption && error.code != .leaseBeyondStorage:
            if status == .errno(ENOSPC) { await self.checkStanding() }
        case .storage, .manager:
            // Nothing was written that sanlock did not take back.
            self.drop(name)
            return error
        }
        return status.error(doing, hold: .unknown)
    }

    /// `SANLK_LEADER_RESOURCE`: the lease has another name.
    private static let wrongName: Int32 = -227

    private func globalLockFailure(
        _ status: SanlockStatus, _ record: ResourceRecord, _ doing: String
    ) async -> LockManagerError {
        var unnamed = record
        unnamed.name = ""
        let lease = unnamed
        let calls = self.calls
        do throws(SanlockStatus) {
            let found = try await self.housekeeping.run { () throws(SanlockStatus) in
                try calls.readResource(lease)
            }
            guard GlobalLockName.isDisabled(found.name) else { return status.error(doing) }
            return status.error(
                doing, code: .globalLockDisabled,
                advice: "another host disabled the global lock in this volume group")
        } catch {
            return error.error(doing)
        }
    }

    // MARK: Who is in the way

    /// Looks who holds the lease. A conflict without anybody in the way passes by itself: two
    /// hosts asked at the same moment, one of them just let go, or a shared grant was being
    /// written on another host, which takes the lease exclusively for a moment.
    func contention(
        over record: ResourceRecord, _ status: SanlockStatus
    ) async -> Contention {
        do throws(SanlockStatus) {
            let inTheWay = try await self.owners(of: record).filter {
                $0.id != self.plan.hostID
            }
            guard let owner = inTheWay.first else { return Contention(isPassing: true) }
            return Contention(owner: await self.named(owner))
        } catch {
            // The request was answered, and who is in the way is only a courtesy.
            return Contention(isPassing: status.rawValue == Self.sharedRetry)
        }
    }

    /// `SANLK_ACQUIRE_SHRETRY`
    private static let sharedRetry: Int32 = -246

    /// The hosts that keep this one from having the lease in the record's mode.
    private func owners(of record: ResourceRecord) async throws(SanlockStatus) -> [Host] {
        var lease = record
        lease.flags.formIntersection(.sizes)
        let calls = self.calls
        let place = lease
        let (found, owners) = try await self.housekeeping.run { () throws(SanlockStatus) in
            try calls.readOwners(place)
        }
        let isShared = found.flags.contains(.shared) && record.flags.contains(.shared)
        // Only an exclusive owner has a timestamp. Shared ones are no obstacle to sharing.
        let obstacles = isShared ? owners.filter { $0.timestamp != 0 } : owners
        return Owners(obstacles, known: try await self.hosts()).hosts
    }

    /// Who holds the lease, this host included.
    func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        let doing = "look up who holds \(resource.id.name) in \(self.id)"
        var record = try self.plan.lease(of: resource, doing)
        record.setMode(.exclusive)
        do throws(SanlockStatus) {
            var hosts: [Host] = []
            for host in try await self.owners(of: record) {
                hosts.append(await self.named(host))
            }
            return hosts
        } catch {
            throw error.error(doing)
        }
    }

    private func localOwner() async -> Host {
        let host = Host(
            id: self.plan.hostID, generation: self.membership.generation, state: .live)
        return await self.named(host)
    }
}

extension AcquireFlags {
    init(_ adoption: Adoption, valueBlocks: Bool) {
        self = .ownerNoWait
        if valueBlocks { self.insert(.valueBlock) }
        switch adoption {
        case .none: break
        case .allowed: self.insert(.orphan)
        case .required:
            // Up to 3.8.5 the daemon heeds "only an orphan" if the value block is asked for,
            // too, and else acquires; with an orphan, the block makes no difference.
            self.insert([.orphanOnly, .valueBlock])
        }
    }
}
#endif
