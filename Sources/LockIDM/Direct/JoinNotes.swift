internal import Glibc

/// The lockspaces that this host has joined, as files, so that a later process knows of them. The
/// drives tell whose mutexes are there, but not the names of lockspaces.
struct JoinNotes: Sendable {
    let folder: String
    /// Notes of an earlier boot mean nothing.
    let boot: [UInt8]

    private var mark: String { self.boot.map { String($0, radix: 16) }.joined(separator: ".") }

    /// Names of lockspaces.
    var all: [String] {
        DeviceFolder.entries(of: self.folder).filter { name in
            DeviceFolder.lines(of: "\(self.folder)/\(name)").first == self.mark
        }
    }

    /// False if it cannot be written down.
    func add(_ lockspace: String) -> Bool {
        var path = ""
        for part in self.folder.split(separator: "/") {
            path += "/\(part)"
            mkdir(path, 0o755)
        }
        let file = "\(self.folder)/\(lockspace)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let bytes = Array("\(self.mark)\n".utf8)
        return write(descriptor, bytes, bytes.count) == bytes.count
    }

    func remove(_ lockspace: String) {
        unlink("\(self.folder)/\(lockspace)")
    }
}
