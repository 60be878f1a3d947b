#if Sanlock
import DaemonHarness
import Glibc

/// A program that runs beside the tests, with no signal blocked: children of libdispatch's threads
/// inherit a mask that not even SIGTERM passes, and sanlock would try to end them in vain.
struct ChildProcess: Sendable {
    let id: pid_t

    /// Starts a program that is looked for in the path. It reads from a descriptor, or else
    /// nothing; what it says is added to a file.
    init(_ words: [String], input: Int32? = nil, output: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(
            &actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var copies = words.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        var id: pid_t = 0
        errno = posix_spawnp(&id, words[0], &actions, &attributes, &copies, environ)
        guard errno == 0 else { throw HarnessError.system("starting \(words[0])") }
        self.id = id
    }

    /// Sends a signal.
    func send(_ signal: Int32) {
        _ = Glibc.kill(self.id, signal)
    }

    /// Has it not ended yet?
    var isRunning: Bool {
        var information = siginfo_t()
        return waitid(P_PID, UInt32(self.id), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == 0
    }

    /// Kills it, and returns when it is gone. To be called once.
    func kill() {
        self.send(SIGKILL)
        self.wait()
    }

    /// Returns when it has ended. To be called once, and not beside ``kill()``.
    func wait() {
        var status: Int32 = 0
        while waitpid(self.id, &status, 0) < 0 && errno == EINTR {}
    }
}
#endif
