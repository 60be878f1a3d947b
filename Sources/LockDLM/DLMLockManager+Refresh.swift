public import LockCore

extension DLMLockManager: VolumeRefresher {
    /// A host that has not answered after so long is not waited for.
    private static let refreshLimit = Duration.seconds(120)
    /// How often to ask how it stands. dlm_controld answers from memory.
    private static let refreshPause = Duration.milliseconds(100)

    /// Lets dlm_controld run `lvm lvchange --refresh` on the other hosts of the cluster.
    public func refresh(path: String) async throws(LockManagerError) {
        let doing = "refresh \(path) on other hosts"
        guard let volume = Self.volume(path) else {
            let advice = "the path is not that of a logical volume"
            throw LockManagerError(.invalidRequest, doing: doing, advice: advice)
        }
        guard let control = self.control else {
            throw LockManagerError(.notSupported, doing: doing, advice: "install libdlmcontrol")
        }
        let thread = BlockingExecutor(label: "dlm refresh")
        let command = "lvm lvchange --refresh --partial --nolocking \(volume)"
        let run = try Self.daemonAnswer(await thread.run { control.start(command) }, doing)
        var left = Self.refreshLimit
        while left > .zero {
            switch try Self.daemonAnswer(await thread.run { control.check(run) }, doing) {
            case .done: return
            case .failed:
                let advice = "'lvchange --refresh' failed on some; 'dlm_tool dump' tells where"
                throw LockManagerError(.managerFailed, doing: doing, advice: advice)
            case .waiting:
                // Cancellation cuts the sleep short, and ends the wait.
                do { try await Task.sleep(for: Self.refreshPause) } catch { left = .zero }
                left -= Self.refreshPause
            }
        }
        await thread.run { control.cancel(run) }
        let advice = "some hosts have not answered; run 'lvchange --refresh' there"
        throw LockManagerError(.ioTimedOut, layer: .daemon, doing: doing, advice: advice)
    }

    private static func daemonAnswer<Answer>(
        _ answer: Result<Answer, DLMFailure>, _ doing: String
    ) throws(LockManagerError) -> Answer {
        do {
            return try answer.get()
        } catch {
            throw LockManagerError(
                .managerUnavailable, layer: .daemon, doing: doing, status: error.status.rawValue,
                advice: "dlm_controld did not take it")
        }
    }

    /// Group and volume of a path such as `/dev/vg0/lv1`. Names are checked, as they go into a
    /// command line that runs on every host.
    static func volume(_ path: String) -> String? {
        let parts = path.split(separator: "/")
        guard path.hasPrefix("/"), parts.count == 3 else { return nil }
        let names = parts.dropFirst()
        let isName = names.allSatisfy { name in
            !name.hasPrefix("-") && name.utf8.allSatisfy { Self.isAllowed($0) }
        }
        return isName ? names.joined(separator: "/") : nil
    }

    /// The characters that LVM allows in names.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "_"),
            UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
