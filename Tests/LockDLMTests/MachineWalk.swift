import LockCore
import LockInMemory

@testable import LockDLM

/// A lock's machine, a kernel that does one thing with the lock at a time, and a caller that may be
/// taken away at any point: what happens next is drawn at random among all that can.
struct MachineWalk {
    private(set) var machine: DLMLockMachine
    /// What went against the contract.
    private(set) var problems: [String] = []
    /// What the calls were answered.
    private(set) var answers: [DLMAnswer] = []
    private(set) var wanted: [Grant.ID] = []
    /// Points that were passed, to see that a walk goes everywhere.
    private(set) var points: Set<Point> = []
    /// What the kernel has granted.
    private(set) var mode: DLMMode?
    /// What an ended process left behind.
    private(set) var orphan: DLMMode?

    enum Point: Hashable, CaseIterable {
        case earlyAnswer, withdrawnBeforeHandedOver, cancelled, cancelTooLate, cancelFailed, gaveUp
        case grantedToNobody, busy, refused, othersLetGo, adopted, adoptedForNobody
    }

    private enum Event: Hashable {
        case handOver, refuse, conclude(DLMStatus), cancelHandOver, withdraw, patience, pause
        case blocking, othersLetGo
    }

    private var random: SeededRandom
    private var operation: DLMOperation?
    private var isHandedOver = false
    private var isConcluded = false
    private var cancelsPending = 0
    private var isCancelling = false
    private var pauses = 0
    private var isCalling = false
    private var isAcquiring = false
    private var isWithdrawn = false
    /// Another host holds the resource. It lets go while an acquire lasts, or never.
    private var othersHold = false
    private var lastGrant: UInt64 = 0

    init(seed: UInt64, orphan: DLMMode? = nil) {
        let space = Lockspace.ID(kind: .dlm, volumeGroup: "vg")
        self.machine = DLMLockMachine(
            Resource.ID(lockspace: space, name: .volumeGroup), mayHaveOrphans: orphan != nil)
        self.orphan = orphan
        self.random = SeededRandom(seed: seed)
    }

    /// Makes a call, and goes on until it has its answer.
    mutating func call(_ call: DLMCall) -> DLMAnswer? {
        let before = self.answers.count
        self.isCalling = true
        self.isWithdrawn = false
        if case .acquire = call {
            self.isAcquiring = true
            self.othersHold =
                self.orphan == nil && (self.mode ?? .null) == .null
                && Bool.random(using: &self.random)
        }
        self.perform(self.machine.called(call))
        var steps = 0
        while self.answers.count == before {
            steps += 1
            guard steps < 1000, self.step(mayWithdraw: true) else {
                self.problems.append("\(call) is not answered")
                return nil
            }
        }
        return self.answers.last
    }

    /// Goes on until nothing is left to happen.
    mutating func settle() {
        var steps = 0
        while self.step(mayWithdraw: false) {
            steps += 1
            if steps > 1000 { return self.problems.append("it does not come to rest") }
        }
    }

    private mutating func step(mayWithdraw: Bool) -> Bool {
        var events: [Event] = []
        if self.operation != nil {
            if !self.isHandedOver { events += [.handOver, .handOver] }
            if !self.isHandedOver, !self.isConcluded { events.append(.refuse) }
            if !self.isConcluded { events += self.conclusions.map { .conclude($0) } }
        }
        if self.othersHold, self.isAcquiring { events.append(.othersLetGo) }
        if self.cancelsPending > 0 { events.append(.cancelHandOver) }
        if self.pauses > 0 { events.append(.pause) }
        if self.isAcquiring, Int.random(in: 0..<4, using: &self.random) == 0 {
            events.append(.patience)
        }
        if mayWithdraw, self.isCalling, !self.isWithdrawn { events.append(.withdraw) }
        if self.mode == .exclusive, self.operation == nil { events.append(.blocking) }
        guard let event = events.randomElement(using: &self.random) else { return false }
        if event == .blocking && events.count == 1 { return false }
        self.happen(event)
        return true
    }

    /// How the kernel may conclude what it was asked.
    private var conclusions: [DLMStatus] {
        switch self.operation {
        case .convert(let conversion) where conversion.from == .null:
            if self.isCancelling {
                self.othersHold ? [.withdrawn] : [.success, .withdrawn]
            } else if conversion.waits {
                self.othersHold ? [] : [.success]
            } else {
                self.othersHold ? [.again] : [.success, .again]
            }
        case .convert(let conversion) where conversion.to.rawValue > conversion.from.rawValue:
            [.success, .again]
        case .unlock: [.unlocked]
        // It has its answer when it is handed over.
        case .adopt: []
        default: [.success]
        }
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .handOver:
            self.isHandedOver = true
            if self.isWithdrawn { self.points.insert(.withdrawnBeforeHandedOver) }
            let status = self.adopt()
            self.endIfOver()
            self.perform(self.machine.handedOver(status, as: self.nextGrant()))
        case .refuse:
            let status: DLMStatus =
                Bool.random(using: &self.random) ? .busy : DLMStatus(rawValue: 5)
            self.points.insert(status == .busy ? .busy : .refused)
            self.operation = nil
            self.perform(self.machine.handedOver(status, as: self.nextGrant()))
        case .conclude(let status):
            self.conclude(status)
        case .cancelHandOver:
            self.cancelsPending -= 1
            if Int.random(in: 0..<4, using: &self.random) == 0 {
                self.points.insert(.cancelFailed)
                return self.perform(self.machine.cancelHandedOver(.busy))
            }
            if self.operation != nil, !self.isConcluded {
                self.isCancelling = true
            } else {
                self.points.insert(.cancelTooLate)
            }
            self.perform(self.machine.cancelHandedOver(.success))
        case .othersLetGo:
            self.othersHold = false
            self.points.insert(.othersLetGo)
        case .withdraw:
            self.isWithdrawn = true
            self.perform(self.machine.withdrawn())
        case .patience:
            let before = self.answers.count
            self.perform(self.machine.patienceEnded())
            if self.answers.count > before { self.points.insert(.gaveUp) }
        case .pause:
            self.pauses -= 1
            self.perform(self.machine.pauseEnded())
        case .blocking:
            self.perform(self.machine.blocking())
        }
    }

    /// What the kernel says to a request when it takes it.
    private mutating func adopt() -> DLMStatus {
        guard case .adopt(let mode) = self.operation else { return .success }
        self.isConcluded = true
        guard let orphan = self.orphan else { return .notFound }
        guard orphan == mode else { return .again }
        self.orphan = nil
        self.mode = mode
        self.points.insert(self.isAcquiring ? .adopted : .adoptedForNobody)
        return .success
    }

    private mutating func conclude(_ status: DLMStatus) {
        self.isConcluded = true
        if !self.isHandedOver { self.points.insert(.earlyAnswer) }
        if status == .withdrawn { self.points.insert(.cancelled) }
        switch (self.operation, status) {
        case (.request, _): self.mode = .null
        case (.convert(let conversion), .success):
            self.mode = conversion.to
            if !self.isAcquiring, conversion.to != .null { self.points.insert(.grantedToNobody) }
        case (.unlock, _): self.mode = nil
        default: break
        }
        self.endIfOver()
        self.perform(self.machine.completed(DLMCompletion(status), as: self.nextGrant()))
    }

    private mutating func endIfOver() {
        guard self.isHandedOver, self.isConcluded else { return }
        self.operation = nil
        self.isCancelling = false
    }

    private mutating func nextGrant() -> Grant.ID {
        self.lastGrant += 1
        return Grant.ID(self.lastGrant)
    }

    private mutating func perform(_ effects: [DLMEffect]) {
        for effect in effects {
            switch effect {
            case .perform(let operation):
                if self.operation != nil { self.problems.append("asked for two things at once") }
                self.operation = operation
                self.isHandedOver = false
                self.isConcluded = false
            case .cancel:
                if self.operation == nil { self.problems.append("nothing is there to cancel") }
                self.cancelsPending += 1
            case .answer(let answer):
                if !self.isCalling { self.problems.append("answered twice") }
                self.isCalling = false
                self.isAcquiring = false
                self.answers.append(answer)
            case .wanted(let grant): self.wanted.append(grant)
            case .pause: self.pauses += 1
            }
        }
    }
}
