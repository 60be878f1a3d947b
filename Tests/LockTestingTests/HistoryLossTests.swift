import LockCore
import LockTesting
import Testing

/// Histories of a manager that loses contents with hosts, and tells those who knew them.
@Suite struct HistoryLossTests {
    private static let broken: [HistoryChecker.Rule] = [.valueBlocksNeverGoBack]

    /// Host 2 knows version 5, and lets go.
    private static var known: HistoryWriter {
        var story = HistoryWriter(keepsValueBlocks: false, tellsLostValueBlocks: true)
        story.take(.exclusive, 1, version: 4)
        story.release(1, writing: 5)
        story.take(.shared, 2, version: 5)
        story.release(2)
        return story
    }

    @Test func `who knows a value block does not find it empty`() {
        var crashed = Self.known
        crashed.crash(3)
        crashed.join(3)
        var story = crashed
        story.take(.shared, 2, version: 0)
        #expect(story.broken == Self.broken)

        // Of others nobody had to keep it, nor for one that has forgotten it.
        story = crashed
        story.take(.shared, 3, version: 0)
        #expect(story.broken == [])
        story = crashed
        story.forget(2)
        story.take(.shared, 2, version: 0)
        #expect(story.broken == [])
    }

    @Test func `after a loss that is told, counting begins anew`() {
        var story = Self.known
        story.crash(3)
        story.join(3)
        story.take(.exclusive, 2, reading: .changed)
        #expect(story.broken == [])
        // The next host sees what is written before the answer comes.
        let release = story.ask(
            2, .release(HistoryWriter.vg, writing: ValueBlock(resourceVersion: 1)))
        story.take(.shared, 1, version: 1)
        story.answer(2, release, .done)
        #expect(story.broken == [])
        story.take(.shared, 2, version: 0)
        #expect(story.broken == Self.broken)
    }

    @Test func `a loss with nobody gone is refuted`() {
        var story = Self.known
        story.take(.shared, 2, reading: .changed)
        #expect(story.broken == Self.broken)

        story = Self.known
        story.crash(3)
        story.join(3)
        story.take(.shared, 2, version: 5)
        story.release(2)
        story.take(.shared, 2, reading: .changed)
        #expect(story.broken == Self.broken)
    }

    @Test func `a process that ended may have held what a purge takes from it`() {
        var story = Self.known
        story.happens(.restarted(keepsHolds: true), to: 3)
        story.join(3, adopting: .allowed)
        story.take(.shared, 1, version: 5)
        story.release(1)
        let joined = story
        story.take(.shared, 1, reading: .changed)
        #expect(story.broken == Self.broken)

        story = joined
        story.purge(3)
        story.take(.exclusive, 1, reading: .changed)
        #expect(story.broken == [])
        story.release(1, writing: 6)
        story.take(.shared, 1, reading: .changed)
        #expect(story.broken == Self.broken)
    }

    @Test func `who adopts a lock does not know what it overwrites`() {
        var story = Self.known
        let adopted = story.askFor(.exclusive, 3, adopting: .required)
        story.grant(3, adopted, reading: .unknown)
        let release = story.ask(
            3, .release(HistoryWriter.vg, writing: ValueBlock(resourceVersion: 1)))
        story.take(.shared, 2, version: 1)
        story.answer(3, release, .done)
        #expect(story.broken == [])
    }
}
