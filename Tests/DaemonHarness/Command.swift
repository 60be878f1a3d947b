package import Foundation

/// A program to run, beside the tests or to its end.
///
/// No signal is blocked in it: children of libdispatch's threads inherit a mask that not even
/// SIGTERM passes. What is opened for it no other child inherits: a daemon that kept the other end
/// of somebody's pipe would keep them waiting.
package struct Command: Sendable {
    /// Where what it says goes, standard output and standard error.
    package enum Output {
        case nowhere
        /// To the end of a file, which is made if it is missing.
        case file(String)
        case descriptor(Int32)
    }

    /// The program, which is looked for in the path, and its arguments.
    package var words: [String]
    /// What its environment has besides this process's, or instead.
    package var environment: [String: String]

    package init(_ words: [String], environment: [String: String] = [:]) {
        self.words = words
        self.environment = environment
    }

    /// Starts it. It reads from a descriptor, or else nothing; `third` is its descriptor 3.
    package func start(
        input: Int32? = nil, output: Output = .nowhere, third: Int32? = nil
    ) throws -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        switch output {
        case .nowhere:
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        case .file(let path):
            posix_spawn_file_actions_addopen(
                &actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        case .descriptor(let descriptor):
            posix_spawn_file_actions_adddup2(&actions, descriptor, 1)
        }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        if let third { posix_spawn_file_actions_adddup2(&actions, third, 3) }
        return ChildProcess(id: try self.spawn(&actions))
    }

    private func spawn(_ actions: inout posix_spawn_file_actions_t) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let variables = ProcessInfo.processInfo.environment.merging(self.environment) { $1 }
        var words = self.words.map { strdup($0) } + [nil]
        var settings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for copy in words + settings { free(copy) } }
        var id: pid_t = 0
        errno = posix_spawnp(&id, self.words[0], &actions, &attributes, &words, &settings)
        guard errno == 0 else { throw HarnessError.system("starting \(self.words[0])") }
        return id
    }

    /// Runs it, and returns when it has ended: its exit status, or 128 and the signal, as a shell
    /// counts, and what it said. What a daemon says that it left behind is nobody's business.
    package func runToEnd() throws -> (status: Int32, output: String) {
        let path = "/tmp/holdfast-output.\(UUID().uuidString)"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw HarnessError.system("making \(path)") }
        unlink(path)
        let output = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        let end = try self.start(output: .descriptor(file)).wait()
        try output.seek(toOffset: 0)
        let said = try output.readToEnd() ?? Data()
        return (end.status, String(decoding: said, as: UTF8.self))
    }
}

/// A program that runs.
package struct ChildProcess: Sendable {
    /// How a process ended.
    package enum End: Hashable, Sendable {
        case exit(status: Int32)
        case signal(Int32)

        /// The exit status, or 128 and the signal.
        package var status: Int32 {
            switch self {
            case .exit(let status): status
            case .signal(let signal): 128 + signal
            }
        }
    }

    package let id: pid_t

    /// Sends a signal.
    package func send(_ signal: Int32) {
        _ = Foundation.kill(self.id, signal)
    }

    /// Has it not ended yet?
    package var isRunning: Bool {
        var information = siginfo_t()
        return waitid(P_PID, UInt32(self.id), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == 0
    }

    /// Kills it, and returns when it is gone.
    package func kill() {
        self.send(SIGKILL)
        self.wait()
    }

    /// Returns when it has ended. Only the first call tells how.
    @discardableResult
    package func wait() -> End {
        var status: Int32 = 0
        while waitpid(self.id, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .exit(status: (status >> 8) & 0xFF) : .signal(signal)
    }
}
