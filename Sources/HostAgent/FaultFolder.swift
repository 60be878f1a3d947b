#if Sanlock
import Glibc
import LockCore
import LockSanlock

/// Faults in store for calls of libsanlock: a folder with a file for each, `CALL.RESOURCE`, that
/// says what goes wrong with the next such call. Whoever meets the file removes it.
struct FaultFolder: Sendable {
    let path: String

    /// What can go wrong with a call.
    private enum Fault {
        /// The daemon refuses, and does nothing.
        case refused
        /// It does what it was asked for, and storage seems not to have answered.
        case answerLost
        /// It takes so many milliseconds longer.
        case delay(milliseconds: UInt32)

        init?(_ text: String) {
            switch text {
            case "fails": self = .refused
            case "answer-lost": self = .answerLost
            default:
                guard let milliseconds = UInt32(text) else { return nil }
                self = .delay(milliseconds: milliseconds)
            }
        }
    }

    /// The calls, struck by what the folder has.
    func strike(_ calls: SanlockCalls) -> SanlockCalls {
        var struck = calls
        struck.acquire = { socket, record, flags, owner throws(SanlockStatus) in
            try self.strike("acquire", record) { () throws(SanlockStatus) in
                try calls.acquire(socket, record, flags, owner)
            }
        }
        // A daemon whose storage does not answer a conversion stays with the mode that it has.
        struck.convert = { socket, record, flags throws(SanlockStatus) in
            try self.strike("convert", record, losesEffect: true) { () throws(SanlockStatus) in
                try calls.convert(socket, record, flags)
            }
        }
        struck.release = { socket, record throws(SanlockStatus) in
            try self.strike("release", record) { () throws(SanlockStatus) in
                try calls.release(socket, record)
            }
        }
        return struck
    }

    private func strike(
        _ name: String, _ record: ResourceRecord, losesEffect: Bool = false,
        _ call: () throws(SanlockStatus) -> Void
    ) throws(SanlockStatus) {
        switch self.take("\(name).\(record.name)") {
        case .refused: throw .errno(ENOMEM)
        case .answerLost:
            if !losesEffect { try call() }
            // `SANLK_AIO_TIMEOUT`
            throw SanlockStatus(rawValue: -202)
        case .delay(let milliseconds):
            usleep(milliseconds * 1000)
            try call()
        case nil: try call()
        }
    }

    private func take(_ name: String) -> Fault? {
        let file = open("\(self.path)/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(file, &bytes, bytes.count)
        unlink("\(self.path)/\(name)")
        return Fault(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
    }
}
#endif
