import Glibc
import LockCore

/// A command that the daemon runs and waits for.
struct ChildCommand {
    /// How a command ended.
    struct Outcome: Hashable, Sendable {
        /// The exit status; nil if it did not start, or was ended by a signal.
        var status: Int32?
        /// What it printed, up to ``ChildCommand/outputBytes``.
        var output: String
    }

    /// More than that is read and dropped, lest the command wait for a reader.
    static let outputBytes = 64 * 1024

    /// Runs a program by its whole path. Other work goes on meanwhile.
    static func run(_ words: [String]) async -> Outcome {
        await BlockingExecutor(label: "holdfastd.command").run { Self.runAndWait(words) }
    }

    private static func runAndWait(_ words: [String]) -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return Outcome(status: nil, output: "") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        let process = Self.spawn(words, output: writing)
        close(writing)
        let output = Self.readAll(reading)
        close(reading)
        guard let process else { return Outcome(status: nil, output: output) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let exited = status & 0x7f == 0
        return Outcome(status: exited ? (status >> 8) & 0xff : nil, output: output)
    }

    private static func spawn(_ words: [String], output: Int32) -> pid_t? {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var ignored = sigset_t()
        sigemptyset(&ignored)
        posix_spawnattr_setsigmask(&attributes, &ignored)
        // What the daemon ignores itself, its children take as anyone does.
        for signal in [SIGPIPE, SIGHUP, SIGTERM, SIGINT] { sigaddset(&ignored, signal) }
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = words.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let status = posix_spawn(
            &process, words[0], &files, &attributes, arguments + [nil], environ)
        return status == 0 ? process : nil
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            all.append(contentsOf: part.prefix(min(count, Self.outputBytes - all.count)))
        }
        return String(decoding: all, as: UTF8.self)
    }
}
