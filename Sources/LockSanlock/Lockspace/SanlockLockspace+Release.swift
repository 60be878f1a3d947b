#if Sanlock
import Glibc
import LockCore

extension SanlockLockspace {
    func convert(
        _ name: Resource.Name, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        var doing: String { "convert \(name) in \(self.id)" }
        let hold = try self.state.with { state throws(LockManagerError) in
            try state.checkMember(doing)
            guard let hold = state.holds[name] else {
                throw LockManagerError(.notHeld, doing: doing)
            }
            return hold
        }
        var record = hold.record
        record.setMode(mode)
        let wanted = record
        let block = self.stored(value, from: hold)
        let (valueBytes, tellingVersion) = (self.valueBytes, self.tellsVersion(record))
        do throws(SanlockStatus) {
            let acquired = try await self.call(hold.connection) {
                connection async throws(SanlockStatus) in
                try await connection.convert(
                    wanted, writing: block, valueBytes: valueBytes,
                    tellingVersion: tellingVersion)
            }
            self.state.with { $0.converted(name, wanted) }
            return .granted(self.grant(acquired))
        } catch {
            return try await self.convertFailed(error, hold, record, doing)
        }
    }

    private func convertFailed(
        _ status: SanlockStatus, _ hold: SanlockHold, _ wanted: ResourceRecord,
        _ doing: String
    ) async throws(LockManagerError) -> AcquireOutcome {
        if status.isContention {
            // sanlock keeps the shared hold.
            return .contended(await self.contention(over: wanted, status))
        }
        let error = status.error(doing)
        if error.layer == .daemon {
            self.loseDaemon()
            throw status.error(doing, hold: .unknown)
        }
        // A shared hold that did not become exclusive stays shared; sanlock takes care of it.
        // An exclusive one that did not become shared may be both on storage.
        throw status.error(doing, hold: hold.mode == .exclusive ? .unknown : .unchanged)
    }

    private func stored(_ value: ValueBlock?, from hold: SanlockHold) -> [UInt8]? {
        guard self.configuration.valueBlocks, hold.mode == .exclusive else { return nil }
        return value?.stored
    }

    func release(
        _ name: Resource.Name, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        guard let hold = self.state.with({ $0.holds[name] }) else { return }
        let block = self.stored(value, from: hold)
        do throws(SanlockStatus) {
            try await self.call(hold.connection) { connection async throws(SanlockStatus) in
                try await connection.release(hold.record, writing: block)
            }
            self.drop(name)
        } catch {
            try await self.releaseFailed(error, name, hold, "release \(name) in \(self.id)")
        }
    }

    private func releaseFailed(
        _ status: SanlockStatus, _ name: Resource.Name, _ hold: SanlockHold, _ doing: String
    ) async throws(LockManagerError) {
        // After a loss sanlock only lets go of the connection's grip; the storage is gone.
        guard case .joined = self.standing else { return self.drop(name) }
        if status == .minusOne && hold.certainty == .unknown {
            // Not held, as far as the daemon knows. Storage may say otherwise.
            return self.finishRelease(of: name, hold)
        }
        if status.isFromAbsentDaemon, await !self.isDaemonRunning() {
            self.loseDaemon()
            self.drop(name)
            throw status.error(doing, hold: .unknown)
        }
        self.finishRelease(of: name, hold)
        if status == .minusOne { return }
        throw status.error(doing, hold: .unknown)
    }

    // MARK: Finishing

    /// Cleans the lease up in the background until it is certain that nothing of the hold is
    /// left, the resource is acquired anew, or the lockspace ends.
    private func finishRelease(of name: Resource.Name, _ hold: SanlockHold) {
        self.state.with { state in
            state.leaveUnfinished(name) { number in
                Task { await self.finishRelease(of: name, hold, number) }
            }
        }
    }

    private func finishRelease(
        of name: Resource.Name, _ hold: SanlockHold, _ number: UInt64
    ) async {
        var pause = Duration.milliseconds(200)
        while !Task.isCancelled {
            if await self.isClean(name, hold) { break }
            // Cancelled, it has nothing left to do.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(10))
        }
        self.state.with { $0.finished(name, number) }
    }

    private func isClean(_ name: Resource.Name, _ hold: SanlockHold) async -> Bool {
        do throws(SanlockStatus) {
            try await self.call(hold.connection) { connection async throws(SanlockStatus) in
                try await connection.clean(hold.record)
            }
            return true
        } catch {
            guard error.isContention else { return false }
            // While sanlock itself is releasing, this host is still among the owners.
            return await self.isFreeOfThisHost(hold.record)
        }
    }

    private func isFreeOfThisHost(_ record: ResourceRecord) async -> Bool {
        let calls = self.calls
        let hostID = self.plan.hostID
        var lease = record
        lease.flags.formIntersection(.sizes)
        let place = lease
        do throws(SanlockStatus) {
            let (_, owners) = try await self.housekeeping.run { () throws(SanlockStatus) in
                try calls.readOwners(place)
            }
            return !owners.contains { $0.id == hostID }
        } catch {
            return false
        }
    }

    /// Gives the leases of a volume group that is being removed another name, so that nobody
    /// takes them for locks. One that somebody has stays as it is.
    func invalidate() async {
        for name in [Resource.Name.volumeGroup, .global] {
            do {
                let record = try self.plan.lease(
                    of: Resource(Resource.ID(lockspace: self.id, name: name)), "")
                try await self.callWithoutHold(name) {
                    connection async throws(SanlockStatus) in
                    try await connection.rename(record, to: "invalid_removed")
                }
            } catch {
                // Held, or not there: only the group that carries the global lock has its.
            }
        }
    }

    /// Lets the daemon release what earlier processes left, in the background.
    func releaseOrphans() async throws(SanlockStatus) {
        let name = self.id.name
        try await self.call(0) { connection async throws(SanlockStatus) in
            try await connection.releaseOrphans(of: name)
        }
    }

    /// Lets go of everything, as far as the daemon is there to hear it.
    func releaseEverything() async {
        self.state.with { $0.cancelUnfinished() }
        for (name, hold) in self.holds {
            do throws(SanlockStatus) {
                try await self.call(hold.connection) {
                    connection async throws(SanlockStatus) in
                    try await connection.release(hold.record, writing: nil)
                }
            } catch {
                // The membership ends, and with it what its leases say.
            }
            self.drop(name)
        }
    }
}
#endif
