import Glibc
import LockCore
import LockServer
import Logging

/// Where log lines go besides the ring that `lvmlockctl --dump` shows: syslog, from the level of
/// --syslog-priority on, and the terminal with --daemon-debug.
enum DaemonLog {
    /// The name under which lines stand in syslog. syslog keeps the pointer.
    private static let name: StaticString = "holdfastd"

    /// Nil if nothing would ever be passed on.
    static func output(_ options: Options) -> EventLog.Output? {
        Self.name.withUTF8Buffer { name in
            name.withMemoryRebound(to: CChar.self) {
                openlog($0.baseAddress, LOG_CONS | LOG_PID, LOG_DAEMON)
            }
        }
        let priority = options.syslogPriority.number
        let toTerminal = options.daemonDebug
        guard let level = toTerminal ? .debug : Self.level(from: priority) else { return nil }
        return EventLog.Output(from: level) { level, text in
            if toTerminal { Self.print(text) }
            if Self.priority(of: level) <= priority { Self.send(text, Self.priority(of: level)) }
        }
    }

    /// Prints a line where the user sees it. In the background nobody does.
    static func print(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    private static func level(from priority: Int32) -> LogLevel? {
        if priority >= LOG_DEBUG { return .debug }
        if priority >= LOG_WARNING { return .warning }
        return priority >= LOG_ERR ? .error : .emergency
    }

    private static func priority(of level: LogLevel) -> Int32 {
        switch level {
        case .debug: LOG_DEBUG
        case .warning: LOG_WARNING
        case .error: LOG_ERR
        case .emergency: LOG_EMERG
        }
    }

    private static func send(_ text: String, _ priority: Int32) {
        text.withCString { pointer in
            withVaList([pointer]) { vsyslog(priority, "%s", $0) }
        }
    }
}

/// Brings what libraries log through swift-log into the daemon's own log.
struct DaemonLogHandler: LogHandler {
    let log: EventLog
    var logLevel = Logger.Level.notice
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level: LogLevel =
            switch event.level {
            case .trace, .debug, .info, .notice: .debug
            case .warning: .warning
            case .error, .critical: .error
            }
        var text = event.message.description
        for (key, value) in self.metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            text += " \(key)=\(value)"
        }
        self.log.log(level, text)
    }
}
