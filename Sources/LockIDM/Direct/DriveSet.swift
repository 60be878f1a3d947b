internal import LockCore

/// The drives of one lock, and what is done on all of them at once.
struct DriveSet: Sendable {
    /// Those that are there, each once.
    let drives: [any Drive]
    /// Why others are not.
    let missing: [DriveError]
    /// With those that are not.
    let majority: Majority

    init(_ drives: [any Drive], missing: [DriveError] = []) {
        self.drives = drives
        self.missing = missing
        self.majority = Majority(of: drives.count + missing.count)
    }

    /// Finds the drives behind paths, on a thread of its own.
    static func open(
        _ paths: [String],
        with open: @escaping @Sendable (String) throws(DriveError) -> any Drive
    ) async -> DriveSet {
        await BlockingExecutor(label: "holdfast.idm-drives").run {
            var drives: [any Drive] = []
            var missing: [DriveError] = []
            for path in paths {
                do throws(DriveError) {
                    let drive = try open(path)
                    // Two paths to one drive are no two drives.
                    if !drives.contains(where: { $0.identity == drive.identity }) {
                        drives.append(drive)
                    }
                } catch {
                    missing.append(error)
                }
            }
            return DriveSet(drives, missing: missing)
        }
    }

    /// Too few to ever get the lock.
    var isHopeless: Bool { self.drives.count < self.majority.toTake }

    /// Runs an errand on each drive that has one, all at once, each on a thread of its own: a drive
    /// that is slow holds up no other. Nil where there was none.
    func run(
        _ errand: (_ place: Int) -> MutexErrand?
    ) async -> [MutexErrand.Outcome?] {
        let errands = self.drives.indices.map(errand)
        return await withTaskGroup { group in
            for (place, drive) in self.drives.enumerated() {
                guard let errand = errands[place] else { continue }
                group.addTask {
                    let outcome = await BlockingExecutor(label: "holdfast.idm-drive").run {
                        errand.run(now: hostMilliseconds) { command throws(DriveError) in
                            try drive.perform(command)
                        }
                    }
                    return (place, outcome)
                }
            }
            var outcomes = [MutexErrand.Outcome?](repeating: nil, count: self.drives.count)
            for await (place, outcome) in group { outcomes[place] = outcome }
            return outcomes
        }
    }

    /// Every drive's records of the locks that match; nil where it cannot be read.
    func records(
        where matches: @escaping @Sendable (MutexRecord) -> Bool
    ) async -> [[MutexRecord]?] {
        await withTaskGroup { group in
            for (place, drive) in self.drives.enumerated() {
                group.addTask {
                    let records = await BlockingExecutor(label: "holdfast.idm-drive").run {
                        () -> [MutexRecord]? in
                        do throws(DriveError) {
                            return try drive.records().filter(matches)
                        } catch {
                            // A drive that cannot be read has no say.
                            return nil
                        }
                    }
                    return (place, records)
                }
            }
            var all = [[MutexRecord]?](repeating: nil, count: self.drives.count)
            for await (place, records) in group { all[place] = records }
            return all
        }
    }

    /// Makes room on a drive that has none: the mutex that nobody has held for the longest time
    /// goes, and its stamp with it.
    func evictOldest(at place: Int, by host: HostID) async {
        let drive = self.drives[place]
        await BlockingExecutor(label: "holdfast.idm-drive").run {
            do throws(DriveError) {
                let idle = try drive.records().filter { $0.state == .unlocked }
                let oldest = idle.min { $0.modifiedMilliseconds < $1.modifiedMilliseconds }
                guard let oldest else { return }
                let change = MutexChange(
                    .destroy, oldest.lock, by: host, as: oldest.mutexClass,
                    hostTimeMilliseconds: hostMilliseconds())
                _ = try drive.perform(.change(change))
            } catch {
                // The drive stays full, and the lock has one drive less.
            }
        }
    }
}

extension [MutexErrand.Outcome?] {
    var heldCount: Int { self.count { $0?.isHeld == true } }
    var failedCount: Int { self.count { $0?.isFailed == true } }
    func count(of outcome: MutexErrand.Outcome) -> Int { self.count { $0 == outcome } }
    var hasTakenOver: Bool { self.contains(.held(takenOver: true)) }
}
