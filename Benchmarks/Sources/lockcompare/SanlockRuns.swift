import Foundation
import LoadGenerator

/// Measures lock daemons, and calls of libsanlock, on one sanlock daemon. Each run writes all
/// leases anew and leaves the lockspace at its end, so all of them find the same.
final class SanlockRuns {
    private let programs: Programs
    private var host: SanlockHost?
    private var count = 0

    init(_ programs: Programs) {
        self.programs = programs
    }

    func measure(_ workload: Workload, with peer: Peer) throws -> LoadReport {
        let host = try self.host ?? SanlockHost(sandbox: self.programs.sandbox)
        // After a failure the next run gets another one: this one may still be in the lockspace.
        self.host = nil
        let report =
            switch peer {
            case .direct: try self.measureCalls(workload, host)
            case .holdfast, .lvmlockd: try self.measure(workload, peer, host)
            }
        self.host = host
        return report
    }

    private func measureCalls(_ workload: Workload, _ host: SanlockHost) throws -> LoadReport {
        try Programs.report(
            host.inside([
                self.programs.sanlockload, "--volume", SanlockHost.volume,
                "--threads", "\(workload.clients)", "--seconds", "\(workload.seconds)",
                "--warm-up", "\(workload.warmUpSeconds)",
            ]))
    }

    private func measure(
        _ workload: Workload, _ peer: Peer, _ host: SanlockHost
    ) throws -> LoadReport {
        guard let binary = self.programs.daemons[peer] else { throw CompareError("no \(peer)") }
        self.count += 1
        let name = "/run/lvm/\(self.count)"
        let process = try host.start(
            [binary, "--foreground", "--gl-type", "sanlock", "--host-id", "1"]
                + ["--sanlock-timeout", "1", "--socket-path", "\(name).socket"]
                + ["--pid-file", "\(name).pid", "--adopt-file", "\(name).adopt"])
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try RunningDaemon.awaitSocket(host.outside("\(name).socket").path(), of: process)
        // The process that is known here only leads inside; the daemon's number is valid there.
        let pid = try String(contentsOf: host.outside("\(name).pid"), encoding: .utf8)
        return try Programs.report(
            host.inside(
                self.programs.load(
                    workload, socket: "\(name).socket",
                    daemon: pid.trimmingCharacters(in: .whitespacesAndNewlines))))
    }
}
