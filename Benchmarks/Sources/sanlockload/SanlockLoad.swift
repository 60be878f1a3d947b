import ArgumentParser
import Foundation
import LoadGenerator

/// Takes and releases leases with libsanlock itself, as many threads as a lock daemon would have
/// clients, and prints what came of it in the words of `lockload`.
@main
struct SanlockLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sanlockload",
        abstract: "Acquires and releases leases by calls of libsanlock, and measures.")

    @Option(help: "The volume for the leases; what is on it is lost.")
    var volume: String

    @Option(help: "How many threads, each with a connection of its own.")
    var threads = 8

    @Option(help: "How long to measure.")
    var seconds = 1.0

    @Option(help: "How long to run before that.")
    var warmUp = 0.2

    func validate() throws {
        guard self.threads > 0, self.seconds > 0, self.warmUp >= 0 else {
            throw ValidationError("numbers must be positive")
        }
    }

    func run() async throws {
        var workload = Workload(.leased, clients: self.threads)
        workload.seconds = self.seconds
        workload.warmUpSeconds = self.warmUp
        let volume = try LeaseVolume(self.volume, leases: workload.leases)
        let report = await self.measure(workload, volume)
        try volume.leave()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    private func measure(_ workload: Workload, _ volume: LeaseVolume) async -> LoadReport {
        let begin = now() + UInt64(workload.warmUpSeconds * 1e9)
        let window = begin..<begin + UInt64(workload.seconds * 1e9)
        let before = ProcessUse.ownCPUSeconds
        let results = await withTaskGroup(of: ThreadResult.self) { group in
            for thread in 0..<workload.clients {
                let first = thread * Workload.leasesPerClient
                let caller = LeaseCaller(
                    volume: volume, leases: first..<first + Workload.leasesPerClient)
                group.addTask { await Self.onThread { caller.run(in: window) } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let errors = results.compactMap(\.error)
        return LoadReport(
            workload, calls: results.flatMap(\.calls), seconds: workload.seconds,
            errors: UInt64(errors.count), firstError: errors.first,
            generatorCPU: ProcessUse.ownCPUSeconds - before)
    }

    /// Waits for what blocks a thread of its own.
    private static func onThread(
        _ body: @escaping @Sendable () -> ThreadResult
    ) async -> ThreadResult {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: body()) }.start()
        }
    }
}
