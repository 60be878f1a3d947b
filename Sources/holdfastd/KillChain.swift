import LockCore
import LockServer

/// What the daemon does when a volume group's locks are lost: it has the volume group taken out of
/// use before other hosts may use it, and then lets go of the locks.
///
/// The time for it is short. A host that does not let go in time is reset by its watchdog, where
/// the lock manager has one. The steps are those of `lvmlockctl --kill`, which an administrator can
/// run at the same time: each step may be taken twice.
struct KillChain: Sendable {
    let log: @Sendable (LogLevel, String) -> Void
    /// Runs a command, by the path of its program.
    var run: @Sendable ([String]) async -> ChildCommand.Outcome = ChildCommand.run
    /// Lets go of every lock of a volume group.
    let drop: @Sendable (_ volumeGroup: String) async -> LockErrorCode?

    /// Where LVM's own commands are.
    static let lvm = "/usr/sbin/lvm"

    /// Returns when the locks are dropped, or when the rest is up to the administrator.
    func locksLost(of volumeGroup: String) async {
        self.log(.emergency, "holdfastd lost access to locks in VG \(volumeGroup).")
        let setting = await self.run([Self.lvm] + KillCommand.setting)
        guard let command = KillCommand(printed: setting.output, volumeGroup: volumeGroup) else {
            return self.leaveToAdministrator(volumeGroup)
        }
        guard await self.run(command.words).status == 0 else {
            self.log(
                .emergency,
                "Failed to run VG \(volumeGroup) kill command "
                    + command.words.joined(separator: " "))
            return self.leaveToAdministrator(volumeGroup)
        }
        self.log(.warning, "Successful VG \(volumeGroup) kill command \(command.words[0])")
        let error = await self.drop(volumeGroup)
        // Somebody may have dropped them already.
        guard let error, error != .lockspaceNotFound else { return }
        self.log(.emergency, "Failed to drop locks in VG \(volumeGroup): \(error)")
    }

    private func leaveToAdministrator(_ volumeGroup: String) {
        self.log(.emergency, "Immediately deactivate LVs in VG \(volumeGroup).")
        self.log(.emergency, "Once VG is unused, run lvmlockctl --drop \(volumeGroup).")
    }
}
