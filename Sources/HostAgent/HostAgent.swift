import Glibc
import LockCore
import LockTesting

/// Serves one lock manager over a stream, so that one process, or one virtual machine, is one host.
///
///     HostAgent --manager WORD [--OPTION VALUE]... [--listen PATH | --device PATH]
///
/// Without `--listen` or `--device` the stream is the standard input and output. It ends with the
/// stream, and with it whatever its lock manager ends with a process.
@main
enum HostAgent {
    static func main() async {
        // A driver that is gone shows when reading.
        signal(SIGPIPE, SIG_IGN)
        do {
            let options = try AgentOptions(CommandLine.arguments.dropFirst())
            let manager = try await AgentManagers.make(options)
            await AgentServer.serve(manager, on: try await Self.stream(options))
            // Calls that were under way may never answer.
            exit(0)
        } catch {
            Self.print("HostAgent: \(error)")
            exit(1)
        }
    }

    private static func stream(_ options: AgentOptions) async throws(FixtureError) -> AgentStream {
        if let path = options["device"] { return try AgentStream(device: path) }
        guard let path = options["listen"] else { return AgentStream(reading: 0, writing: 1) }
        let listener = try AgentListener(path: path)
        defer { listener.close() }
        for await stream in listener.streams { return stream }
        throw FixtureError("listen on \(path)", "the socket was closed")
    }

    /// The standard output belongs to the protocol.
    private static func print(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(2, bytes, bytes.count)
    }
}

/// The command line: pairs of an option's name and its value.
struct AgentOptions {
    private var values: [String: String] = [:]

    init(_ arguments: ArraySlice<String>) throws(FixtureError) {
        var rest = arguments
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst() else {
                throw FixtureError("read the command line", "\(name) is no option with a value")
            }
            self.values[String(name.dropFirst(2))] = value
        }
    }

    subscript(name: String) -> String? { self.values[name] }

    func required(_ name: String) throws(FixtureError) -> String {
        guard let value = self.values[name] else {
            throw FixtureError("read the command line", "--\(name) is missing")
        }
        return value
    }

    /// An option in milliseconds.
    func duration(_ name: String) throws(FixtureError) -> Duration? {
        guard let value = self.values[name] else { return nil }
        guard let milliseconds = Int64(value) else {
            throw FixtureError("read the command line", "--\(name) \(value) is no number")
        }
        return .milliseconds(milliseconds)
    }
}
