import LockCore

/// What has happened, for `lvmlockctl --dump`: the newest lines, up to ``Limits/logBytes``.
///
/// All lines are kept, requests and replies too. Whoever wants to see some of them elsewhere
/// (syslog, a terminal) gives a function for that and says from which level on.
public final class EventLog: Sendable {
    /// Where lines go besides the ring.
    public struct Output: Sendable {
        /// The lowest level that is passed on.
        public var from: LogLevel
        /// Takes a line without time and line end. Called on the thread that logs.
        public var write: @Sendable (LogLevel, String) -> Void

        /// Passes lines of a level, and more urgent ones, to a function.
        public init(from: LogLevel, write: @escaping @Sendable (LogLevel, String) -> Void) {
            self.from = from
            self.write = write
        }
    }

    private let loop: EventLoop
    private let storage: LoopBound<Storage>
    private let output: Output?

    fileprivate final class Storage {
        var ring: LogRing
        var line = LogLine()

        init(_ ring: LogRing) {
            self.ring = ring
        }
    }

    /// Keeps lines on the server's loop.
    public convenience init(on loop: ServerLoop, output: Output? = nil) {
        self.init(on: loop.loop, capacity: Limits.logBytes, output: output)
    }

    init(on loop: EventLoop, capacity: Int, output: Output? = nil) {
        self.loop = loop
        self.storage = LoopBound(Storage(LogRing(capacity: capacity)), to: loop)
        self.output = output
    }

    /// Are lines of this level seen anywhere else than in the ring?
    public func isShown(_ level: LogLevel) -> Bool {
        guard let from = self.output?.from else { return false }
        return level >= from
    }

    /// Adds a line, from any thread.
    public func log(_ level: LogLevel, _ text: String) {
        if self.isShown(level) { self.output?.write(level, text) }
        guard !self.loop.isCurrent else { return self.keep { $0.append(text: text) } }
        let storage = self.storage
        self.loop.execute { storage.value.keep { $0.append(text: text) } }
    }

    /// Adds a debug line on the loop, put together in place.
    func trace(_ build: (inout LogLine) -> Void) {
        self.keep(build)
        guard self.isShown(.debug) else { return }
        self.output?.write(.debug, self.storage.value.line.text)
    }

    /// All lines that are kept.
    var contents: [UInt8] { self.storage.value.ring.contents }

    private func keep(_ build: (inout LogLine) -> Void) {
        self.storage.value.keep(build)
    }
}

extension EventLog.Storage {
    fileprivate func keep(_ build: (inout LogLine) -> Void) {
        self.line.begin()
        build(&self.line)
        self.line.end()
        self.ring.append(self.line.bytes)
    }
}
