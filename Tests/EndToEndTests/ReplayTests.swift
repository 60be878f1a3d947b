import DaemonHarness
import Foundation
import Testing

/// The commands of a captured session, run again with real lvm against our daemon: same exit
/// statuses, same output, and every field of every captured reply with the same value.
@Suite struct ReplayTests {
    @Test(arguments: ["dlm", "sanlock"])
    func `captured lvm commands behave as they did with lvmlockd`(kind: String) async throws {
        try await self.expectSame(folder: "T-\(kind)", options: ["--test", "-g", kind])
    }

    func expectSame(folder: String, options: [String], sanlock: Bool = false) async throws {
        let differences = try await onOwnThread {
            try replay(folder, options, withSanlock: sanlock)
        }
        for difference in differences.unexplained {
            Issue.record("\(difference)")
        }
        #expect(differences.unusedExplanations.isEmpty)
    }
}

/// One value that is not what it was when the traffic was captured.
struct Difference: CustomStringConvertible {
    let command: String
    /// What was compared: a reply's field, `exit status`, `output`.
    let what: String
    let captured: String
    let ours: String

    var description: String {
        "\(self.command): \(self.what): captured \(self.captured), ours \(self.ours)"
    }
}

/// A difference that is right. One that does not show up makes the test fail, unless it is one of
/// timing.
struct Explanation: Equatable {
    let command: String
    let what: String
    let captured: String
    let ours: String
    let why: String
    /// It shows only if the next command comes soon enough.
    var isOfTiming = false

    func explains(_ difference: Difference) -> Bool {
        self.command == difference.command && self.what == difference.what
            && self.captured == difference.captured && self.ours == difference.ours
    }

    static let all = testMode + realSanlock

    private static let testMode = [
        Explanation(
            command: "T-sanlock/49-vgremove", what: "reply to vg_update: result_flags",
            captured: "NO_GL_LS,", ours: "NO_LOCKSPACES,NO_GL_LS,NO_LM", why: sweep),
        Explanation(
            command: "T-sanlock/49-vgremove", what: "reply to lock_vg: result_flags",
            captured: "NO_GL_LS,", ours: "NO_LOCKSPACES,NO_GL_LS,NO_LM", why: sweep),
    ]

    private static let sweep = """
        lvm asks again one second after it stopped the last lockspace. lvmlockd's worker thread
        forgets stopped lockspaces every two seconds, and had not come round; ours forgets them
        after 750 ms.
        """
}

private func replay(
    _ folder: String, _ options: [String], withSanlock: Bool
) throws -> (unexplained: [Difference], unusedExplanations: [Explanation]) {
    let sandbox = try Sandbox(disk: "2G", names: ["vt-lvmlock", "vtx-lvmlock"])
    let sanlock = withSanlock ? try SanlockDaemon(in: sandbox) : nil
    defer { withExtendedLifetime(sanlock) {} }
    let daemon = try Daemon(
        Repository.daemon, options, socket: "/run/lvm/behind-relay.socket", in: sandbox)
    let relay = try RecordingRelay(
        listenPath: sandbox.outside("/run/lvm/lvmlockd.socket"), daemonPath: daemon.socketPath)
    var differences: [Difference] = []
    for captured in try CapturedCommand.all(in: folder) {
        if captured.name == "48-vgcreate2" {
            differences += try removeLocalVolumeGroup(relay, in: sandbox)
        }
        let run = try relay.record(sandbox.command(captured.words))
        differences += compare(captured, run, command: "\(folder)/\(captured.name)")
    }
    let mine = Explanation.all.filter { $0.command.hasPrefix(folder) }
    return (
        differences.filter { difference in !mine.contains { $0.explains(difference) } },
        mine.filter { explanation in
            !explanation.isOfTiming && !differences.contains(where: explanation.explains)
        }
    )
}

/// The captured session had this step, which says nothing to the daemon, between two commands.
private func removeLocalVolumeGroup(
    _ relay: RecordingRelay, in sandbox: Sandbox
) throws -> [Difference] {
    let run = try relay.record(
        sandbox.command(
            ["lvm", "vgremove", "--driverloaded", "n", "-y"]
                + ["--config", "global/use_lvmlockd=0", "vt"]))
    if run.exitStatus == 0 { return [] }
    return [
        Difference(
            command: "vgremove before 48-vgcreate2", what: "output", captured: "",
            ours: run.output)
    ]
}

private func compare(
    _ captured: CapturedCommand, _ run: RecordedRun, command: String
) -> [Difference] {
    var differences: [Difference] = []
    func check(_ what: String, _ captured: String, _ ours: String) {
        if captured != ours {
            differences.append(
                Difference(command: command, what: what, captured: captured, ours: ours))
        }
    }

    check("exit status", "\(captured.exitStatus)", "\(run.exitStatus)")
    if captured.words == ["lvmlockctl", "-d"] {
        // The log is each daemon's own; all of it must arrive. lvmlockctl adds a newline.
        let announced = run.connections.last?.last?.reply?["dump_len"] ?? "no dump_len"
        check("bytes of log", announced, "\(run.output.utf8.count - 1)")
    } else {
        check("output", masked(captured.output), masked(run.outputLines))
    }
    check("connections", "\(captured.connections.count)", "\(run.connections.count)")
    for (captured, ours) in zip(captured.connections, run.connections) {
        check(
            "requests", captured.map { $0.request["request"] ?? "none" }.joined(separator: " "),
            ours.map { $0.request["request"] ?? "none" }.joined(separator: " "))
        for (captured, ours) in zip(captured, ours) {
            for field in captured.reply?.fields ?? [] where field.key != "dump_len" {
                check(
                    "reply to \(captured.request["request"] ?? "none"): \(field.key)",
                    field.value, ours.reply?[field.key] ?? "absent")
            }
        }
    }
    return differences
}

/// Lines without what differs from run to run: LVM's random identifiers.
private func masked(_ lines: [String]) -> String {
    var lines = lines
    while lines.last?.isEmpty == true { lines.removeLast() }
    let identifier = /[A-Za-z0-9]{6}(-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}/
    return lines.map { $0.replacing(identifier, with: "UUID") }.joined(separator: "\n")
}
