import Glibc

/// How the daemon comes to run in the background.
///
/// A process with threads cannot go on after `fork`, and a Swift process may have threads before
/// `main`. So the command starts itself a second time, in the background, and waits on a pipe
/// until that process says that its socket is ready, or what went wrong. The second process
/// knows what it is by an environment variable that holds the pipe's descriptor.
enum BackgroundProcess {
    private static let variable = "HOLDFASTD_READY_FD"
    private static let pipeDescriptor: Int32 = 3
    private static let readyByte = UInt8(ascii: "+")

    /// The pipe of a process that was started in the background; nil in any other.
    static func takeReadyPipe() -> Int32? {
        guard let text = Paths.environment(Self.variable), text == "\(Self.pipeDescriptor)" else {
            return nil
        }
        unsetenv(Self.variable)
        _ = fcntl(Self.pipeDescriptor, F_SETFD, FD_CLOEXEC)
        return Self.pipeDescriptor
    }

    /// Tells the waiting command that the daemon serves.
    static func reportReady(to pipe: Int32) {
        Self.write([Self.readyByte], to: pipe)
    }

    /// Tells the waiting command why the daemon does not start.
    static func reportFailure(_ text: String, to pipe: Int32) {
        Self.write(Array(text.utf8), to: pipe)
    }

    /// Starts this program again in the background and returns when it serves.
    static func start(arguments: [String]) throws(StartError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure("pipe") }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let process: pid_t
        do {
            defer { close(writing) }
            process = try Self.spawn(arguments, writing: writing)
        }
        let answer = Self.readAll(reading)
        if answer.first == Self.readyByte { return }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        guard answer.isEmpty else {
            throw StartError(text: String(decoding: answer, as: UTF8.self))
        }
        throw StartError(
            problem: "the background process \(process) ended before it was ready",
            advice: "run the command with --foreground to see why")
    }

    private static func spawn(
        _ arguments: [String], writing: Int32
    ) throws(StartError) -> pid_t {
        // Away from the numbers that the new process will use, lest one overwrite the other.
        let source = fcntl(writing, F_DUPFD_CLOEXEC, 10)
        guard source >= 0 else { throw Self.failure("fcntl") }
        defer { close(source) }
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0)
        }
        posix_spawn_file_actions_adddup2(&files, source, Self.pipeDescriptor)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        Self.keepDescriptorsFromOthers()

        setenv(Self.variable, "\(Self.pipeDescriptor)", 1)
        defer { unsetenv(Self.variable) }
        var process: pid_t = 0
        let status = Self.withArguments(arguments) {
            posix_spawn(&process, "/proc/self/exe", &files, &attributes, $0, environ)
        }
        guard status == 0 else {
            errno = status
            throw Self.failure("posix_spawn")
        }
        return process
    }

    /// Whatever this process was started with, the new one gets the pipe and nothing else.
    private static func keepDescriptorsFromOthers() {
        for descriptor in Self.pipeDescriptor..<min(getdtablesize(), 4096) {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func withArguments(
        _ arguments: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Int32
    ) -> Int32 {
        let copies = arguments.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while all.first != Self.readyByte {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            all.append(contentsOf: part.prefix(count))
        }
        return all
    }

    private static func write(_ bytes: [UInt8], to pipe: Int32) {
        // The command may have been interrupted meanwhile; then nobody wants to know.
        _ = Glibc.write(pipe, bytes, bytes.count)
        close(pipe)
    }

    private static func failure(_ call: String) -> StartError {
        StartError(
            problem: "cannot start the background process: \(call): \(StartError.systemReason)",
            advice: "run the command with --foreground")
    }
}
