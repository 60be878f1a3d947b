internal import LockCore
public import LockIDM

/// Emulated drives that several hosts share, in one process. What goes wrong with them is up to
/// whoever makes them.
public final class EmulatedDriveBank: Sendable {
    /// What goes wrong with one command.
    public enum Fault: Hashable, Sendable {
        /// It fails without effect.
        case fails
        /// It fails, and may have taken effect or not.
        case answerIsLost
        /// It takes so much longer.
        case delay(Duration)
    }

    /// Which commands a fault strikes.
    public enum Kind: Hashable, Sendable {
        /// That take a mutex.
        case take
        /// That change the class of a mutex.
        case convert
        /// That let go of a mutex.
        case release
    }

    fileprivate struct Strike {
        var kind: Kind
        var lock: LockID
        var host: Int
        var fault: Fault
    }

    fileprivate struct Slot {
        var drive: EmulatedDrive
        var isFailing = false
        var failurePercent = 0
        /// Each strikes once.
        var strikes: [Strike] = []
    }

    private struct State {
        var slots: [Slot]
        var cutOff: Set<Int> = []
        var random: SmallRandom
    }

    /// How many drives there are, counted from 0.
    public let count: Int
    private let state: Guarded<State>
    private let time: @Sendable () -> UInt64

    /// Makes drives that hold nothing.
    ///
    /// - Parameters:
    ///   - seed: Where everything random starts.
    ///   - time: The drives' clock, in milliseconds.
    public init(
        drives count: Int, limits: EmulatedDrive.Limits = EmulatedDrive.Limits(), seed: UInt64 = 1,
        time: (@Sendable () -> UInt64)? = nil
    ) {
        let slots = (0..<count).map { _ in Slot(drive: EmulatedDrive(limits: limits)) }
        self.count = count
        self.state = Guarded(
            State(slots: slots, random: SmallRandom(seed: seed)), label: "holdfast.drive-bank")
        let clock = SystemTime()
        self.time = time ?? { UInt64(clock.now.milliseconds) }
    }

    // MARK: Commands

    /// Carries out a command that a host sends. Blocks for as long as the drive takes.
    public func perform(
        _ command: DriveCommand, on drive: Int, from host: Int
    ) throws(DriveError) -> DriveAnswer {
        try self.with(drive, command, from: host) { $0.perform(command, now: $1) }
    }

    package func perform(
        _ request: SCSIRequest, on drive: Int, from host: Int
    ) throws(DriveError) -> SCSIAnswer {
        try self.with(drive, SCSIEncoding.command(of: request), from: host) {
            $0.answer(request, now: $1)
        }
    }

    package func perform(
        _ request: NVMeRequest, on drive: Int, from host: Int
    ) throws(DriveError) -> NVMeAnswer {
        try self.with(drive, NVMeEncoding.command(of: request), from: host) {
            $0.answer(request, now: $1)
        }
    }

    /// One command at a time reaches a drive; what delays one delays no other.
    private func with<Answer>(
        _ index: Int, _ command: DriveCommand?, from host: Int,
        _ body: (inout EmulatedDrive, _ now: UInt64) -> Answer
    ) throws(DriveError) -> Answer {
        let fault = self.state.with { state -> Fault? in
            if state.cutOff.contains(host) || state.slots[index].isFailing { return .fails }
            if let command, let fault = state.slots[index].takeStrike(on: command, from: host) {
                guard fault == .answerIsLost else { return fault }
                return state.random.number(below: 2) == 0 ? .fails : .answerIsLost
            }
            let percent = state.slots[index].failurePercent
            guard percent > 0, state.random.number(below: 100) < percent else { return nil }
            return state.random.number(below: 2) == 0 ? .fails : .answerIsLost
        }
        let error = DriveError(drive: "drive \(index)", reason: "an injected failure")
        if fault == .fails { throw error }
        if case .delay(let duration) = fault { blockThread(for: duration) }
        let answer = self.state.with { body(&$0.slots[index].drive, self.time()) }
        if fault == .answerIsLost { throw error }
        return answer
    }

    // MARK: Faults

    /// Lets every command to a drive fail, or no longer.
    public func setFailing(_ isFailing: Bool, drive: Int) {
        self.state.with { $0.slots[drive].isFailing = isFailing }
    }

    /// Lets that share of a drive's commands fail, half of those after they took effect.
    public func setFailures(percent: Int, drive: Int) {
        self.state.with { $0.slots[drive].failurePercent = percent }
    }

    /// Lets a drive forget all mutexes.
    public func losePower(drive: Int) {
        self.state.with { $0.slots[drive].drive.reset() }
    }

    /// Lets nothing that a host sends reach any drive, or reach it again.
    public func setCutOff(_ isCutOff: Bool, host: Int) {
        self.state.with { state in
            if isCutOff { state.cutOff.insert(host) } else { state.cutOff.remove(host) }
        }
    }

    /// Puts a fault in store for the next such command of a host for a lock, on each drive.
    public func strike(_ kind: Kind, of lock: LockID, from host: Int, with fault: Fault) {
        let strike = Strike(kind: kind, lock: lock, host: host, fault: fault)
        self.state.with { state in
            for index in state.slots.indices { state.slots[index].strikes.append(strike) }
        }
    }

    /// Takes holds away on every drive, as if somebody had taken them over and let go.
    public func dropHolds(where matches: (LockID, HostID) -> Bool) {
        self.state.with { state in
            for index in state.slots.indices { state.slots[index].drive.dropHolds(where: matches) }
        }
    }

    /// What a drive keeps.
    public func records(of drive: Int) -> [MutexRecord] {
        self.state.with { $0.slots[drive].drive.records(now: self.time()) }
    }
}

extension EmulatedDriveBank.Slot {
    fileprivate mutating func takeStrike(
        on command: DriveCommand, from host: Int
    ) -> EmulatedDriveBank.Fault? {
        guard case .change(let change) = command else { return nil }
        let kind: EmulatedDriveBank.Kind
        switch change.operation {
        case .tryLock: kind = .take
        case .unlock: kind = .release
        case .refresh:
            let holder = self.drive.mutexes[change.lock]?.holders[change.host]
            guard let holder, holder.mutexClass != change.mutexClass else { return nil }
            kind = .convert
        case .takeOver, .destroy: return nil
        }
        let index = self.strikes.firstIndex {
            $0.kind == kind && $0.lock == change.lock && $0.host == host
        }
        return index.map { self.strikes.remove(at: $0).fault }
    }
}
