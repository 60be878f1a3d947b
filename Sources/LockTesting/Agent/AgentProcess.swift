import Glibc
import LockCore

/// A process that speaks the agents' protocol on its standard input and output.
public struct AgentProcess: Sendable {
    /// The conversation with it.
    public let stream: AgentStream
    private let id: pid_t

    /// Starts an executable. Its standard error is this process's.
    public init(executable: String, arguments: [String]) throws(FixtureError) {
        let (ours, theirs) = try UnixSocket.pair()
        defer { close(theirs) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, theirs, 0)
        posix_spawn_file_actions_adddup2(&actions, theirs, 1)

        // The caller's thread may have signals blocked, as threads of libdispatch have. A process
        // that inherits this cannot be asked to end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, executable, &actions, &attributes, &words, environ)
        guard status == 0 else {
            close(ours)
            throw FixtureError("start \(executable)", String(cString: strerror(status)))
        }
        self.id = id
        self.stream = AgentStream(reading: ours, writing: ours)
    }

    /// Stops it from running, until ``resume()``.
    public func pause() {
        _ = Glibc.kill(self.id, SIGSTOP)
    }

    /// Ends what ``pause()`` began.
    public func resume() {
        _ = Glibc.kill(self.id, SIGCONT)
    }

    /// Kills it, and returns when it is gone.
    public func kill() async {
        self.stream.end()
        await BlockingExecutor(label: "holdfast.agent-process").run { [id] in
            _ = Glibc.kill(id, SIGKILL)
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        }
    }
}
