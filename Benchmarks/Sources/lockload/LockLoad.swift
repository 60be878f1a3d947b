import ArgumentParser
import Foundation
import LVMClient
import LoadGenerator

/// Drives any socket that speaks lvmlockd's protocol, and prints what came of it as JSON.
@main
struct LockLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockload",
        abstract: "Locks and unlocks over a lock daemon's socket, and measures.")

    @Option(help: "The daemon's socket.")
    var socket = LockdConnection.defaultPath

    @Option(help: "What to lock: lv, vg, gl, or one for an LV's lock that all take in turn.")
    var kind = Workload.Kind.lv

    @Option(help: "How many clients.")
    var clients = 1

    @Flag(help: "Connect and close around each pair of requests, as an lvm command does.")
    var connects = false

    @Option(help: "How many further locks are held.")
    var held = 0

    @Option(help: "How long to measure.")
    var seconds = 1.0

    @Option(help: "How long to run before that.")
    var warmUp = 0.2

    @Option(help: "Stop after so many requests; 0 for no such limit.")
    var requests: UInt64 = 0

    @Option(help: "The daemon's process, to tell what it used.")
    var daemon: Int32?

    func validate() throws {
        guard self.clients > 0, self.held >= 0, self.seconds > 0, self.warmUp >= 0 else {
            throw ValidationError("numbers must be positive")
        }
        guard !self.connects || self.clients == 1 else {
            throw ValidationError("--connects is for one client")
        }
    }

    func run() throws {
        var workload = Workload(
            self.kind, clients: self.clients, connects: self.connects, held: self.held)
        workload.seconds = self.seconds
        workload.warmUpSeconds = self.warmUp
        workload.requests = self.requests
        let report = try Load(workload, socket: self.socket, daemon: self.daemon).run()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}

extension Workload.Kind: ExpressibleByArgument {}
