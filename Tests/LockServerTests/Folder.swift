import DaemonHarness
import Glibc

/// A folder of a test's own, mode 0700, gone with the object.
final class Folder: Sendable {
    let path: String

    init() {
        do {
            self.path = try Repository.makeTemporaryFolder("holdfast-server")
        } catch {
            preconditionFailure("\(error)")
        }
    }

    deinit {
        if let folder = opendir(self.path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(self.path)/\(name)")
                rmdir("\(self.path)/\(name)")
            }
            closedir(folder)
        }
        rmdir(self.path)
    }

    subscript(name: String) -> String { "\(self.path)/\(name)" }
}
