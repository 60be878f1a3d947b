package import LVMClient
import Glibc
import LVMWire

/// One host's part in a contest for a volume group's lock: it takes the lock, holds it for a while,
/// releases it, and pauses at random, over and over.
package struct Contention {
    /// What came of it.
    package struct Report: Codable, Sendable {
        /// How often the lock was taken and released.
        package var cycles: Int
        /// How often the daemon said no.
        package var refusals: Int
        /// What the first refusal was.
        package var firstRefusal: Int64?
        /// The longest time from a request to its answer, in seconds.
        package var longestWait: Double

        /// A report of so much.
        package init(
            cycles: Int, refusals: Int, firstRefusal: Int64? = nil, longestWait: Double
        ) {
            self.cycles = cycles
            self.refusals = refusals
            self.firstRefusal = firstRefusal
            self.longestWait = longestWait
        }
    }

    private let connection: LockdConnection
    private let group: String
    /// How long the lock is held, in microseconds.
    private let holdMicroseconds: UInt32
    /// The longest pause, in microseconds; on average it is half as long.
    private let pauseMicroseconds: UInt32

    /// With times in milliseconds.
    package init(
        socket: String, group: String, hold: UInt32, longestPause: UInt32
    ) throws(ClientError) {
        self.connection = try LockdConnection(to: socket, receiveTimeout: .seconds(60))
        self.group = group
        self.holdMicroseconds = hold * 1000
        self.pauseMicroseconds = longestPause * 1000
        try self.connection.hello()
    }

    /// Takes part for so long.
    package func run(seconds: Double) throws(ClientError) -> Report {
        var report = Report(cycles: 0, refusals: 0, longestWait: 0)
        let end = now() + UInt64(seconds * 1_000_000_000)
        while now() < end {
            usleep(UInt32.random(in: 0...self.pauseMicroseconds))
            let asked = now()
            let result = try self.ask("ex")
            report.longestWait = max(report.longestWait, Double(now() - asked) / 1_000_000_000)
            guard result == 0 else {
                report.refusals += 1
                report.firstRefusal = report.firstRefusal ?? result
                continue
            }
            usleep(self.holdMicroseconds)
            let released = try self.ask("un")
            guard released == 0 else { throw ClientError(.refused, "release: \(released)") }
            report.cycles += 1
        }
        return report
    }

    private func ask(_ mode: String) throws(ClientError) -> Int64 {
        let request = Requests.group(mode, of: self.group)
        guard let result = try self.connection.call(request).result else {
            throw ClientError(.badReply, "no result")
        }
        return Int64(result.rawValue)
    }
}
