import LockCore
import LockServer
import Testing

@testable import holdfastd

/// What happens when a volume group's locks are lost, with and without a command that helps.
@Suite struct KillChainTests {
    @Test func `without a command the administrator is told what to do`() async {
        let notes = await Self.lose(setting: "")
        #expect(
            notes == [
                "emergency: holdfastd lost access to locks in VG vg0.",
                "run: /usr/sbin/lvm config --typeconfig full global/lvmlockctl_kill_command",
                "emergency: Immediately deactivate LVs in VG vg0.",
                "emergency: Once VG is unused, run lvmlockctl --drop vg0.",
            ])
    }

    @Test func `the locks are dropped when the command has taken the group out of use`() async {
        let notes = await Self.lose(setting: #"lvmlockctl_kill_command="/sbin/deactivate -f""#)
        #expect(
            notes.suffix(3) == [
                "run: /sbin/deactivate -f vg0",
                "warning: Successful VG vg0 kill command /sbin/deactivate", "drop vg0",
            ])
    }

    @Test func `no lock is dropped while the group may be in use`() async {
        let notes = await Self.lose(
            setting: #"lvmlockctl_kill_command="/sbin/deactivate""#, commandStatus: 1)
        #expect(
            notes.suffix(3) == [
                "emergency: Failed to run VG vg0 kill command /sbin/deactivate vg0",
                "emergency: Immediately deactivate LVs in VG vg0.",
                "emergency: Once VG is unused, run lvmlockctl --drop vg0.",
            ])
    }

    @Test(arguments: [
        (nil, false), (LockErrorCode.lockspaceNotFound, false), (.storageFailed, true),
    ])
    func `only a drop that leaves locks is an emergency`(
        _ error: LockErrorCode?, _ isReported: Bool
    ) async {
        let notes = await Self.lose(
            setting: #"lvmlockctl_kill_command="/sbin/deactivate""#, dropError: error)
        let report = "emergency: Failed to drop locks in VG vg0: storageFailed"
        #expect(notes.contains(report) == isReported)
    }

    @Test func `a program is only taken by its whole path`() {
        func command(_ value: String) -> [String]? {
            KillCommand(printed: "lvmlockctl_kill_command=\(value)\n", volumeGroup: "vg0")?.words
        }
        #expect(command(#""/sbin/off""#) == ["/sbin/off", "vg0"])
        #expect(command(#""/sbin/off  a\ b c""#) == ["/sbin/off", "a b", "c", "vg0"])
        #expect(command(#""off""#) == nil)
        #expect(command(#""""#) == nil)
        #expect(command(#"[]"#) == nil)
        #expect(KillCommand(printed: "Configuration node not found", volumeGroup: "vg0") == nil)
    }

    @Test func `a command's status and output are seen, and its input is empty`() async {
        let outcome = await ChildCommand.run(["/bin/sh", "-c", "cat; echo told; exit 3"])
        #expect(outcome == ChildCommand.Outcome(status: 3, output: "told\n"))
    }

    @Test func `a command that does not exist, or is ended by a signal, has no status`() async {
        #expect(await ChildCommand.run(["/nonexistent/program"]).status == nil)
        #expect(await ChildCommand.run(["/bin/sh", "-c", "kill -9 $$"]).status == nil)
    }

    @Test func `a command that prints more than is kept still ends`() async {
        let outcome = await ChildCommand.run(["/bin/sh", "-c", "head -c 1000000 /dev/zero"])
        #expect(outcome.status == 0)
        #expect(outcome.output.utf8.count == ChildCommand.outputBytes)
    }

    /// What the chain says and does, one line each.
    private static func lose(
        setting: String, commandStatus: Int32 = 0, dropError: LockErrorCode? = nil
    ) async -> [String] {
        let (notes, sink) = AsyncStream.makeStream(of: String.self)
        let chain = KillChain(
            log: { sink.yield("\($0): \($1)") },
            run: { words in
                sink.yield("run: " + words.joined(separator: " "))
                return words[0] == KillChain.lvm
                    ? ChildCommand.Outcome(status: 0, output: setting)
                    : ChildCommand.Outcome(status: commandStatus, output: "")
            },
            drop: { volumeGroup in
                sink.yield("drop \(volumeGroup)")
                return dropError
            })
        await chain.locksLost(of: "vg0")
        sink.finish()
        return await notes.reduce(into: []) { $0.append($1) }
    }
}
