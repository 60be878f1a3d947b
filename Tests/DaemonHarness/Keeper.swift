package import Foundation

/// A program that lasts until its standard input ends: with the object, or with the tests' process
/// in whatever way that ends. So it can clean up after both.
package final class Keeper: Sendable {
    private let lifeline: FileHandle
    private let process: ChildProcess

    package init(_ command: Command, output: Command.Output = .nowhere) throws {
        let (reading, writing) = try FileHandle.connectedPair()
        self.lifeline = writing
        self.process = try command.start(input: reading.fileDescriptor, output: output)
    }

    /// Runs a shell script, which reads its input when it has nothing else to do.
    package convenience init(script: String, _ arguments: [String] = []) throws {
        try self.init(Command(["/bin/sh", "-c", script] + arguments))
    }

    deinit { self.end() }

    /// Ends the input, and returns when the program has ended.
    package func end() {
        try? self.lifeline.close()
        self.process.wait()
    }
}

extension FileHandle {
    /// Two connected sockets that no child inherits, as a pipe's ends would be from the moment they
    /// are made.
    package static func connectedPair() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw HarnessError.system("making a pair of sockets")
        }
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }
}
