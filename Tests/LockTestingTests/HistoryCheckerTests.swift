import LockCore
import LockTesting
import Testing

/// Every rule of the checker rejects a history that breaks it, and that rule alone.
@Suite struct HistoryCheckerTests {
    private var story = HistoryWriter()

    @Test mutating func `two exclusive holds at once break mutual exclusion`() throws {
        self.story.take(.exclusive, 1)
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [.mutualExclusion])
        let refutation = try #require(self.story.report.refutations.first)
        #expect(
            refutation.reason
                == "host 2 was granted VGLK exclusive while host 1 had it exclusive")
        // The two grants are marked.
        #expect(refutation.events == [7, 9])
        #expect(refutation.excerpt.split(separator: "\n").count == 3)
        #expect(
            refutation.excerpt.hasPrefix(">      7       8.000 ms  host 1  #4 answered: granted"))
    }

    @Test mutating func `a shared hold excludes an exclusive one, and the other way round`() {
        self.story.take(.shared, 1)
        self.story.take(.shared, 2)
        #expect(self.story.broken == [])
        self.story.take(.exclusive, 3)
        #expect(self.story.broken == [.mutualExclusion])

        self.story = HistoryWriter()
        self.story.take(.exclusive, 1)
        self.story.take(.shared, 2)
        #expect(self.story.broken == [.mutualExclusion])
    }

    @Test mutating func `a conversion that others' holds forbid breaks mutual exclusion`() {
        self.story.take(.shared, 1)
        self.story.take(.shared, 2)
        self.story.convert(1, to: .exclusive)
        #expect(self.story.broken == [.mutualExclusion])
    }

    @Test mutating func `a conversion that was not made leaves the hold as it was`() {
        self.story.take(.exclusive, 1)
        self.story.convert(1, to: .shared, answer: .failed(hold: .unchanged))
        self.story.take(.shared, 2)
        #expect(self.story.broken == [.mutualExclusion])

        // After an unknown outcome only the weaker mode is sure.
        self.story = HistoryWriter()
        self.story.take(.exclusive, 1)
        self.story.convert(1, to: .shared, answer: .failed(hold: .unknown))
        self.story.take(.shared, 2)
        #expect(self.story.broken == [])
    }

    @Test mutating func `what a lost host held is not handed over before its time`() {
        self.story.take(.exclusive, 1)
        self.story.happens(.losing(nil, certainFor: .milliseconds(50), reason: "crash"), to: 1)
        self.story.happens(.lost(nil), to: 1)
        let early = self.story
        self.story.pass(.milliseconds(50))
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [])
        #expect(self.story.report.takeovers == [.expired: 1])

        self.story = early
        self.story.pass(.milliseconds(40))
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [.mutualExclusion])
    }

    @Test mutating func `without a time, only the next join hands over`() {
        self.story.take(.exclusive, 1)
        self.story.happens(.losing(nil, certainFor: nil, reason: "crash"), to: 1)
        self.story.happens(.lost(nil), to: 1)
        let crashed = self.story
        self.story.pass(.seconds(1000))
        self.story.take(.shared, 2)
        #expect(self.story.broken == [.mutualExclusion])

        self.story = crashed
        self.story.happens(.restarted(keepsHolds: true), to: 1)
        self.story.join(1)
        self.story.take(.shared, 2)
        #expect(self.story.broken == [])
        #expect(self.story.report.takeovers == [.rejoined: 1])
    }

    @Test mutating func `what a process leaves behind excludes until it is purged`() {
        self.story.take(.exclusive, 1)
        self.story.happens(.restarted(keepsHolds: true), to: 1)
        self.story.join(1, adopting: .allowed)
        let leftBehind = self.story
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [.mutualExclusion])

        self.story = leftBehind
        let purge = self.story.ask(1, .purge(HistoryWriter.vg.lockspace))
        self.story.answer(1, purge, .done)
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [])

        // Adopted, it is a hold like any other.
        self.story = leftBehind
        let adopt = self.story.askFor(.exclusive, 1, adopting: .required)
        self.story.grant(1, adopt)
        self.story.take(.exclusive, 2)
        #expect(self.story.broken == [.mutualExclusion])
    }

    @Test mutating func `a second answer breaks exactly-once replies`() {
        let id = self.story.askFor(.exclusive, 1)
        self.story.answer(1, id, .outcome(.contended(Contention())))
        self.story.answer(1, id, .outcome(.contended(Contention())))
        #expect(self.story.broken == [.exactlyOnceReplies])
        #expect(self.story.report.refutations.first?.events == [6, 7, 8])
    }

    @Test mutating func `an answer that never comes breaks exactly-once replies`() {
        let id = self.story.askFor(.exclusive, 1)
        #expect(self.story.broken == [.exactlyOnceReplies])
        // A crash excuses it.
        self.story.happens(.lost(nil), to: 1)
        #expect(self.story.broken == [])
        self.story.answer(1, id, .failed(hold: .unknown))
        #expect(self.story.broken == [])
    }

    @Test mutating func `an answer to nothing breaks exactly-once replies`() {
        self.story.answer(1, History.CallID(99), .done)
        #expect(self.story.broken == [.exactlyOnceReplies])
    }

    @Test mutating func `overtaking in the queue breaks first in, first out`() throws {
        self.story.take(.exclusive, 1)
        let second = self.story.askFor(.exclusive, 2, waiting: true)
        self.story.happens(.queued(second), to: 2)
        let third = self.story.askFor(.shared, 3, waiting: true)
        self.story.happens(.queued(third), to: 3)
        let queued = self.story
        self.story.release(1)
        self.story.grant(3, third)
        self.story.release(3)
        self.story.grant(2, second)
        #expect(self.story.broken == [.firstInFirstOut])

        // Called back, it is not overtaken.
        self.story = queued
        self.story.happens(.cancelled(second), to: 2)
        self.story.release(1)
        self.story.grant(3, third)
        self.story.release(3)
        self.story.grant(2, second)
        #expect(self.story.broken == [])
    }

    @Test mutating func `a value block that goes back is refuted`() {
        self.story.take(.exclusive, 1, version: 4)
        self.story.release(1, writing: 5)
        self.story.take(.shared, 2, version: 4)
        #expect(self.story.broken == [.valueBlocksNeverGoBack])
    }

    @Test mutating func `a conversion down writes, and what is read counts like what is written`() {
        self.story.take(.exclusive, 1, version: 4)
        self.story.convert(1, to: .shared, writing: 7)
        self.story.take(.shared, 2, version: 7)
        #expect(self.story.broken == [])
        self.story.take(.shared, 3, version: 6)
        #expect(self.story.broken == [.valueBlocksNeverGoBack])
    }

    @Test mutating func `a value block may be lost where that is declared`() {
        self.story.take(.exclusive, 1, version: 4)
        self.story.release(1)
        self.story.happens(.losingValueBlock(HistoryWriter.vg), to: 1)
        self.story.happens(.lostValueBlock(HistoryWriter.vg), to: 1)
        self.story.take(.exclusive, 2, version: 0)
        #expect(self.story.broken == [])

        // A manager in memory loses it with its host, and then all of it.
        for (version, broken) in [(0, []), (3, [HistoryChecker.Rule.valueBlocksNeverGoBack])] {
            self.story = HistoryWriter(keepsValueBlocks: false)
            self.story.take(.exclusive, 1, version: 4)
            self.story.happens(.losing(nil, certainFor: .zero, reason: "crash"), to: 1)
            self.story.happens(.lost(nil), to: 1)
            self.story.take(.exclusive, 2, version: UInt32(version))
            #expect(self.story.broken == broken)
        }
    }

    @Test mutating func `a value block may be lost until a host that died is a member again`() {
        self.story = HistoryWriter(keepsValueBlocks: false)
        self.story.happens(.losing(nil, certainFor: .zero, reason: "crash"), to: 3)
        self.story.happens(.lost(nil), to: 3)
        self.story.take(.exclusive, 1, version: 4)
        self.story.release(1, writing: 5)
        let written = self.story
        // What the dead host waited for was granted to it, and taken from it again.
        self.story.take(.exclusive, 2, version: 0)
        #expect(self.story.broken == [])

        self.story = written
        self.story.join(3)
        self.story.take(.exclusive, 1, version: 5)
        self.story.release(1, writing: 6)
        self.story.take(.exclusive, 2, version: 0)
        #expect(self.story.broken == [.valueBlocksNeverGoBack])
    }

    @Test mutating func `a release that is answered late wrote before whoever came after it`() {
        self.story = HistoryWriter(keepsValueBlocks: false)
        self.story.take(.exclusive, 2, version: 2)
        self.story.happens(.losing(nil, certainFor: .zero, reason: "crash"), to: 3)
        self.story.happens(.lost(nil), to: 3)
        let late = self.story.ask(
            2, .release(HistoryWriter.vg, writing: ValueBlock(resourceVersion: 3)))
        self.story.take(.exclusive, 1, version: 0)
        self.story.release(1, writing: 1)
        self.story.answer(2, late, .done)
        self.story.take(.shared, 2, version: 1)
        #expect(self.story.broken == [])
    }

    @Test mutating func `a change that goes unnoticed is refuted`() {
        self.story = HistoryWriter(valueBlock: .changeStamp)
        self.story.take(.shared, 1)
        self.story.release(1)
        self.story.take(.exclusive, 2)
        self.story.release(2, writing: 1)
        let id = self.story.askFor(.shared, 1)
        self.story.grant(1, id, reading: .unchanged)
        #expect(self.story.broken == [.valueBlocksNeverGoBack])
    }

    @Test mutating func `a token that does not grow is refuted`() {
        self.story.take(.exclusive, 1, token: 7)
        self.story.release(1)
        let first = self.story
        self.story.take(.exclusive, 2, token: 7)
        #expect(self.story.broken == [.tokensGrow])
        self.story = first
        self.story.take(.exclusive, 2, token: 8)
        #expect(self.story.broken == [])
    }

    @Test mutating func `a grant to a lost host is refuted`() {
        self.story.happens(
            .losing(HistoryWriter.vg.lockspace, certainFor: .zero, reason: "no renewal"), to: 1)
        let asked = self.story.askFor(.exclusive, 1)
        self.story.happens(.lost(HistoryWriter.vg.lockspace), to: 1)
        // Asked before it was lost: the answer may have been under way.
        self.story.grant(1, asked, token: 1)
        #expect(self.story.broken == [])
        let late = self.story.askFor(.exclusive, 1)
        self.story.grant(1, late, token: 2)
        #expect(self.story.broken == [.noGrantToLostHosts])
    }

    @Test mutating func `a grant to a host that never joined is refuted`() {
        self.story.take(.exclusive, 9)
        #expect(self.story.broken == [.noGrantToLostHosts])
    }

    @Test mutating func `a grant that comes after its host was lost is no hold`() {
        let slow = self.story.askFor(.exclusive, 1)
        self.story.happens(.losing(nil, certainFor: .zero, reason: "crash"), to: 1)
        self.story.happens(.lost(nil), to: 1)
        self.story.take(.exclusive, 2, version: 4, token: 8)
        self.story.grant(1, slow, version: 3, token: 7)
        #expect(self.story.broken == [])
    }
}
