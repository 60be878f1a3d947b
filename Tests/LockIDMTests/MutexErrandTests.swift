import LockCore
import LockIDM
import LockIDMEmulation
import Testing

/// What is done on one drive, and what it means on many, by values alone.
@Suite struct MutexErrandTests {
    private static let lock = someLock()
    private static let host = HostID(number: 1, boot: [])
    private static let error = DriveError(drive: "sda", reason: "gone")

    private static func errand(
        _ purpose: MutexErrand.Purpose, _ mutexClass: MutexClass = .exclusive
    ) -> MutexErrand {
        MutexErrand(purpose, lock, by: host, as: mutexClass, countdown: 60_000)
    }

    /// What is sent for these answers, one after the other, and what comes of it.
    private func story(
        _ errand: MutexErrand, _ answers: DriveRefusal?...
    ) -> (sent: [MutexChange.Operation], outcome: MutexErrand.Outcome?) {
        var (errand, sent): (MutexErrand, [MutexChange.Operation]) = (errand, [])
        for answer in answers {
            if case .change(let change) = errand.command(now: 7) { sent.append(change.operation) }
            errand.answered(.success(answer.map { .refused($0) } ?? .done))
        }
        return (sent, errand.outcome)
    }

    @Test func `taking what is free takes one command`() {
        let (sent, outcome) = self.story(Self.errand(.take), nil)
        #expect(sent == [.tryLock])
        #expect(outcome == .held(takenOver: false))
    }

    @Test func `taking what somebody has tries to take it over`() {
        let taken = self.story(Self.errand(.take), .conflict, nil)
        #expect(taken.sent == [.tryLock, .takeOver])
        #expect(taken.outcome == .held(takenOver: true))
        #expect(self.story(Self.errand(.take), .conflict, .conflict).outcome == .inTheWay)
        #expect(self.story(Self.errand(.take), .conflict, .notFound).outcome == .inTheWay)
    }

    @Test func `a hold that this host forgot is let go first, in whatever class`() {
        let (sent, outcome) = self.story(Self.errand(.take), .terminated, .terminated, nil, nil)
        #expect(sent == [.tryLock, .unlock, .unlock, .tryLock])
        #expect(outcome == .held(takenOver: false))
        #expect(
            self.story(Self.errand(.take), .terminated, nil, .terminated).outcome == .inTheWay)
    }

    @Test(arguments: [DriveRefusal.mutexesFull, .hostsFull, .sharersFull])
    func `a drive without room says so`(_ refusal: DriveRefusal) {
        #expect(self.story(Self.errand(.take), refusal).outcome == .full)
        #expect(MutexErrand.Outcome.full.isFailed)
    }

    @Test func `a conversion takes over from sharers whose time is over`() {
        let (sent, outcome) = self.story(Self.errand(.convert), .terminated, nil)
        #expect(sent == [.refresh, .takeOver])
        #expect(outcome == .held(takenOver: true))
        #expect(self.story(Self.errand(.convert), .terminated, .conflict).outcome == .inTheWay)
        #expect(self.story(Self.errand(.convert), .conflict).outcome == .notHeld)
        #expect(self.story(Self.errand(.convert), .notFound).outcome == .notHeld)
    }

    @Test func `a refresh takes nothing over`() {
        #expect(self.story(Self.errand(.refresh), nil).outcome == .held(takenOver: false))
        #expect(self.story(Self.errand(.refresh), .terminated).outcome == .inTheWay)
        #expect(self.story(Self.errand(.refresh), .conflict).outcome == .notHeld)
    }

    @Test func `letting go tries the other class, and knows when there is nothing`() {
        let stamp = ChangeStamp(rawValue: 5)
        let (sent, outcome) = self.story(Self.errand(.release(stamp)), .terminated, nil)
        #expect(sent == [.unlock, .unlock])
        #expect(outcome == .released)
        #expect(self.story(Self.errand(.release(nil)), .notFound).outcome == .notHeld)
        #expect(self.story(Self.errand(.release(nil)), .conflict).outcome == .notHeld)
        let discarded = self.story(Self.errand(.discard), nil, .conflict)
        #expect(discarded.sent == [.unlock, .destroy])
        #expect(discarded.outcome == .released)
    }

    @Test func `a value goes with the unlock alone`() {
        let stamp = ChangeStamp(rawValue: 5)
        func value(_ errand: MutexErrand) -> ChangeStamp? {
            guard case .change(let change) = errand.command(now: 7) else { return nil }
            #expect(change.hostTimeMilliseconds == 7)
            return change.value
        }
        #expect(value(Self.errand(.release(stamp))) == stamp)
        #expect(value(Self.errand(.release(nil))) == nil)
        #expect(value(Self.errand(.refresh)) == nil)
    }

    @Test func `a drive that does not answer ends an errand wherever it is`() {
        for purpose in [MutexErrand.Purpose.take, .convert, .refresh, .release(nil), .discard] {
            for count in 0...1 {
                var errand = Self.errand(purpose)
                for _ in 0..<count where errand.outcome == nil {
                    errand.answered(.success(.refused(.terminated)))
                }
                guard errand.outcome == nil else { continue }
                errand.answered(.failure(Self.error))
                #expect(errand.outcome == .failed(Self.error))
                #expect(errand.command(now: 0) == nil)
            }
        }
        for nonsense in [DriveRefusal.busy, .notUnderstood] {
            #expect(self.story(Self.errand(.take), nonsense).outcome?.isFailed == true)
        }
    }

    @Test(arguments: [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 3)])
    func `two majorities meet, and so do a majority and what keeps one`(
        _ total: Int, _ take: Int, _ keep: Int
    ) {
        let majority = Majority(of: total)
        #expect(majority.toTake == take && majority.toKeep == keep)
        #expect(majority.toTake + majority.toTake > total)
        #expect(majority.toTake + majority.toKeep > total)
    }
}
