import ArgumentParser
import Foundation
import LVMClient
import LoadGenerator

/// Takes part in a contest for a volume group's lock, and prints what came of it as JSON.
@main
struct LockContend: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockcontend",
        abstract: "Takes and releases a volume group's lock, as other hosts do meanwhile.")

    @Option(help: "The daemon's socket.")
    var socket = LockdConnection.defaultPath

    @Option(help: "How long to hold the lock, in milliseconds.")
    var hold: UInt32 = 20

    @Option(help: "The longest pause between two holds, in milliseconds.")
    var pause: UInt32 = 40

    @Option(help: "How long to take part.")
    var seconds = 12.0

    @Argument(help: "The volume group. It has to be started.")
    var group: String

    func validate() throws {
        guard self.seconds > 0 else { throw ValidationError("numbers must be positive") }
    }

    func run() throws {
        let contention = try Contention(
            socket: self.socket, group: self.group, hold: self.hold, longestPause: self.pause)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let report = try contention.run(seconds: self.seconds)
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}
