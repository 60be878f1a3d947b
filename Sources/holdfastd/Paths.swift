import Glibc

/// Where things stand: by option, else by environment, else where LVM looks for them.
struct Paths {
    static let pidFile = "/run/lvmlockd.pid"
    static let socket = "/run/lvm/lvmlockd.socket"
    /// Which lockspaces were joined through the IDM lock manager.
    static let idmNotes = "/run/holdfast/idm-joined"
    static let adoptFile = "/run/lvm/lvmlockd.adopt"

    let pidFile: String
    let socket: String

    init(_ options: Options) {
        self.pidFile = Self.absolute(
            options.pidFile ?? Self.environment("LVM_LVMLOCKD_PIDFILE") ?? Self.pidFile)
        self.socket = Self.absolute(
            options.socketPath ?? Self.environment("LVM_LVMLOCKD_SOCKET") ?? Self.socket)
    }

    /// The socket of one of several hosts, counted from 1.
    func socket(ofHost number: Int) -> String { "\(self.socket).\(number)" }

    /// A program that is installed in the same folder as this one.
    static func besideProgram(_ name: String) -> String {
        guard let program = realpath("/proc/self/exe", nil) else { return name }
        defer { free(program) }
        let path = String(cString: program)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/\(name)"
    }

    static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// The daemon leaves its working directory, so a path must not depend on it.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}
