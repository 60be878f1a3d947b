internal import LockCore
internal import LockIDM

// What a session reads from the drives.
extension ManagerSession {
    /// What every drive that can be read says of a lock.
    private func records(of id: LockID, _ drives: LockDrives) -> [[MutexRecord]] {
        drives.present.enumerated().compactMap { place, drive in
            do throws(DriveError) {
                let remote = PlacedDrive(manager: self.manager, drive: drive, place: place)
                return try remote.records().filter { $0.lock == id }
            } catch {
                // A drive that cannot be read does not vote.
                return nil
            }
        }
    }

    func readValue(of id: LockID) -> ILMReply {
        self.state.with { state in
            guard let lock = state.locks[id] else { return Self.refusal(.refused) }
            var value = ChangeStamp.untrusted
            if !lock.isTakenOver {
                let values = self.records(of: id, lock.drives).compactMap { records in
                    records.first { $0.host == state.host }?.value.rawValue
                }
                guard values.count >= lock.drives.majority.toTake else {
                    return Self.refusal(.refused)
                }
                value = ChangeStamp(rawValue: values.max() ?? 0)
            }
            state.locks[id]?.value = value
            let ones = [UInt8](repeating: 0xff, count: ILMLimits.valueBlock)
            return ILMReply(result: 0, data: lock.isTakenOver ? ones : value.valueBlock)
        }
    }

    func hostCount(of id: LockID, _ drives: LockDrives) -> ILMReply {
        let host = self.state.with { $0.host }
        let votes = self.records(of: id, drives).map { $0.filter(\.isLive) }
        guard !votes.isEmpty else { return Self.refusal(.unreadable) }
        let count = ILMHostCount(
            others: votes.map { $0.count { $0.host != host } }.max() ?? 0,
            isHeldBySelf: votes.contains { $0.contains { $0.host == host } })
        return ILMReply(result: 0, data: count.data)
    }

    func mode(of id: LockID, _ drives: LockDrives) -> ILMReply {
        let votes = self.records(of: id, drives).map { records in
            records.first(where: \.isLive).map { ILMMode($0.mutexClass) } ?? .unlocked
        }
        guard !votes.isEmpty else { return Self.refusal(.unreadable) }
        for mode in [ILMMode.unlocked, .exclusive, .shareable]
        where votes.count(where: { $0 == mode }) >= drives.majority.toTake {
            var data: [UInt8] = []
            data.appendLittleEndian(mode.rawValue)
            return ILMReply(result: 0, data: data)
        }
        return Self.refusal(.refused)
    }
}

/// A drive as a lock sees it, at its place among the lock's drives.
private struct PlacedDrive: Drive {
    let manager: EmulatedLockManager
    let drive: Int
    let place: Int
    var identity: String { "drive \(self.drive)" }

    func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer {
        try self.manager.perform(command, on: self.drive, place: self.place)
    }
}

extension ILMMode {
    fileprivate init(_ mutexClass: MutexClass) {
        self = mutexClass == .exclusive ? .exclusive : .shareable
    }
}
