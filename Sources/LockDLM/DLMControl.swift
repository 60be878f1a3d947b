internal import Glibc
import LockCore

/// What dlm_controld does for others: run a command on the other hosts of the cluster.
///
/// Its library is loaded with the first lock manager, if it is installed. It is not part of
/// libdlm, and nothing else here depends on it.
struct DLMControl: Sendable {
    /// Starts a command everywhere but here, and returns the run's name.
    var start: @Sendable (_ command: String) -> Result<String, DLMFailure>
    /// How a run stands. What is over is forgotten by being asked about.
    var check: @Sendable (_ run: String) -> Result<Progress, DLMFailure>
    /// Gives up a run that is not over.
    var cancel: @Sendable (_ run: String) -> Void

    /// How a run stands.
    enum Progress: Hashable, Sendable {
        /// Some hosts have not answered.
        case waiting
        /// All hosts have answered.
        case done
        /// All hosts have answered, and some failed.
        case failed

        /// Reads `DLMC_RUN_STATUS_WAITING`, `_DONE` and `_FAILED`, in that order of bits. There is
        /// none if dlm_controld does not know the run: nothing else tells it.
        init?(flags: UInt32) {
            let (isWaiting, isDone, hasFailed) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
            if isDone {
                self = hasFailed ? .failed : .done
            } else if isWaiting {
                self = .waiting
            } else {
                return nil
            }
        }
    }

    /// The library's answers; nil where it is not installed.
    static let live: DLMControl? = {
        guard let library = dlopen("libdlmcontrol.so.3", RTLD_NOW),
            let start = dlsym(library, "dlmc_run_start"),
            let check = dlsym(library, "dlmc_run_check")
        else { return nil }
        let functions = Functions(
            start: unsafeBitCast(start, to: Functions.Start.self),
            check: unsafeBitCast(check, to: Functions.Check.self))
        return DLMControl(
            start: functions.start, check: functions.check, cancel: functions.cancel)
    }()

    /// `dlmc_run_start` and `dlmc_run_check`.
    private struct Functions {
        typealias Start =
            @convention(c) (
                UnsafeMutablePointer<CChar>, Int32, Int32, UInt32, UnsafeMutablePointer<CChar>
            ) -> Int32
        typealias Check =
            @convention(c) (
                UnsafeMutablePointer<CChar>, Int32, Int32, UInt32, UnsafeMutablePointer<UInt32>
            ) -> Int32

        private let runStart: Start
        private let runCheck: Check

        /// `DLMC_RUN_UUID_LEN`.
        private static let nameBytes = 64
        /// `DLMC_FLAG_RUN_START_NODE_NONE`.
        private static let notHere: UInt32 = 1
        /// `DLMC_FLAG_RUN_CHECK_CLEAR`.
        private static let clear: UInt32 = 1
        /// `DLMC_FLAG_RUN_CHECK_CANCEL`.
        private static let giveUp: UInt32 = 2

        init(start: Start, check: Check) {
            self.runStart = start
            self.runCheck = check
        }

        @Sendable func start(_ command: String) -> Result<String, DLMFailure> {
            var command = command.utf8CString.map(\.self)
            var name = [CChar](repeating: 0, count: Self.nameBytes + 1)
            let status = self.runStart(
                &command, Int32(command.count - 1), 0, Self.notHere, &name)
            guard status == 0 else { return .failure(DLMFailure(DLMStatus(rawValue: status))) }
            let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .success(String(decoding: bytes, as: UTF8.self))
        }

        @Sendable func check(_ run: String) -> Result<Progress, DLMFailure> {
            switch self.ask(run, Self.clear) {
            case .failure(let failure): return .failure(failure)
            case .success(let flags):
                guard let progress = Progress(flags: flags) else {
                    return .failure(DLMFailure(.notFound))
                }
                return .success(progress)
            }
        }

        @Sendable func cancel(_ run: String) {
            // dlm_controld keeps the run if it does not hear of it.
            _ = self.ask(run, Self.giveUp)
        }

        private func ask(_ run: String, _ flags: UInt32) -> Result<UInt32, DLMFailure> {
            var name = run.utf8CString.map(\.self)
            name += [CChar](repeating: 0, count: max(0, Self.nameBytes + 1 - name.count))
            var state: UInt32 = 0
            let status = self.runCheck(&name, Int32(Self.nameBytes), 0, flags, &state)
            guard status == 0 else { return .failure(DLMFailure(DLMStatus(rawValue: status))) }
            return .success(state)
        }
    }
}
