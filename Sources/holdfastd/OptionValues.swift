import ArgumentParser
import Glibc
import LVMWire
import LockCore

/// From which level on messages go to syslog: the levels that lvmlockd accepts.
enum SyslogPriority: String, CaseIterable, ExpressibleByArgument {
    case emerg, alert, crit, err, error, warning, warn, notice, info, debug

    /// syslog's number: the lower, the more urgent.
    var number: Int32 {
        switch self {
        case .emerg: LOG_EMERG
        case .alert: LOG_ALERT
        case .crit: LOG_CRIT
        case .err, .error: LOG_ERR
        case .warning, .warn: LOG_WARNING
        case .notice: LOG_NOTICE
        case .info: LOG_INFO
        case .debug: LOG_DEBUG
        }
    }
}

/// Whose lvmlockctl reads the status: it scans for fields that differ between versions.
enum LvmlockctlVersion: String, CaseIterable, ExpressibleByArgument {
    case debian12 = "2.03.16"
    case newest = "2.03.40"

    var form: InfoText.Form {
        switch self {
        case .debian12: .lvm2_03_16
        case .newest: .lvm2_03_40
        }
    }
}

/// Whose global lock to use.
enum GlobalLockType: String, CaseIterable, ExpressibleByArgument {
    case dlm, sanlock, idm

    var kind: LockManagerKind { LockManagerKind(rawValue: self.rawValue) }
}

/// Off or on, as `0` or `1`.
enum Switch: String, CaseIterable, ExpressibleByArgument {
    case off = "0"
    case on = "1"
}

/// A host's number in sanlock's range; lvmlockd's 0 means none.
struct HostNumber: ExpressibleByArgument {
    let value: UInt32

    init?(argument: String) {
        guard let value = UInt32(argument), value <= 2000 else { return nil }
        self.value = value
    }
}

/// How many hosts in memory one process serves. Each costs a socket and a lock service.
struct HostCount: ExpressibleByArgument {
    static let most = 64
    let value: Int

    init?(argument: String) {
        guard let value = Int(argument), 1...Self.most ~= value else { return nil }
        self.value = value
    }
}

/// sanlock's I/O timeout; 0 for its own default.
struct TimeoutSeconds: ExpressibleByArgument {
    let value: UInt32

    init?(argument: String) {
        guard let value = UInt32(argument), value <= 3600 else { return nil }
        self.value = value
    }
}
